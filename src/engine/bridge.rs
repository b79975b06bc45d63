//! Values across the border: Rhai's on one side, plain JSON on the other.
//!
//! Strict: what JSON cannot hold is refused with its name instead of turning into a type's name.

use rhai::{Dynamic, Map};
use serde_json::Value;

use crate::engine::function::HANDLE;
use crate::engine::table::Type;

/// Something with identity that scripts hold: its type and its fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handle {
    pub(super) kind: String,
    pub(super) fields: serde_json::Map<String, Value>,
}

/// A script's value as JSON.
pub(super) fn to_json(value: &Dynamic) -> Result<Value, String> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(flag.into());
    }
    if let Ok(number) = value.as_int() {
        return Ok(number.into());
    }
    if let Ok(number) = value.as_float() {
        return serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is not a number that can be passed on"));
    }
    if let Ok(letter) = value.as_char() {
        return Ok(letter.to_string().into());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(text.as_str().into());
    }
    if let Ok(list) = value.as_array_ref() {
        return list.iter().map(to_json).collect();
    }
    if let Ok(map) = value.as_map_ref() {
        let fields = map
            .iter()
            .map(|(key, value)| Ok((key.to_string(), to_json(value)?)));
        return fields.collect::<Result<_, String>>().map(Value::Object);
    }
    if let Some(handle) = value.read_lock::<Handle>() {
        let mut fields = handle.fields.clone();
        fields.insert(HANDLE.to_owned(), handle.kind.clone().into());
        return Ok(fields.into());
    }
    Err(format!("a {} cannot be passed on", value.type_name()))
}

/// JSON as a script's value.
pub(super) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => float.into(),
            (None, None) => Dynamic::UNIT,
        },
        Value::String(text) => text.into(),
        Value::Array(list) => list.iter().map(to_dynamic).collect::<Vec<_>>().into(),
        Value::Object(fields) => match fields.get(HANDLE) {
            Some(Value::String(kind)) => {
                let mut fields = fields.clone();
                fields.remove(HANDLE);
                let kind = kind.clone();
                Dynamic::from(Handle { kind, fields })
            }
            Some(_) | None => fields
                .iter()
                .map(|(key, value)| (key.as_str().into(), to_dynamic(value)))
                .collect::<Map>()
                .into(),
        },
    }
}

/// Whether a value may stand where the table wants `wanted`.
pub(super) fn fits(value: &Value, wanted: Type) -> bool {
    match wanted {
        Type::Any => true,
        Type::Unit => value.is_null(),
        Type::Int => value.is_i64(),
        Type::Text => value.is_string(),
        Type::Bool => value.is_boolean(),
        Type::List => value.is_array(),
        Type::Map => value.is_object() && value.get(HANDLE).is_none(),
        Type::Handle(name) => value.get(HANDLE).and_then(Value::as_str) == Some(name),
        // Ranges are read from the syntax tree, closures stay in the interpreter: neither crosses.
        Type::Range | Type::Action => false,
    }
}

/// What a value is, in the table's words.
pub(super) fn kind(value: &Value) -> String {
    let word = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a bool",
        Value::Number(number) if number.is_i64() => "an int",
        Value::Number(_) => "a fraction",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(fields) => match fields.get(HANDLE) {
            Some(Value::String(kind)) => return format!("a {kind}"),
            Some(_) | None => "a map",
        },
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::handle;

    fn plain() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\u{e9}]{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn plain_data_comes_back_as_it_went(value in plain()) {
            prop_assert_eq!(to_json(&to_dynamic(&value)).unwrap(), value);
        }
    }

    #[test]
    fn a_handle_keeps_its_type_and_what_cannot_cross_is_refused() {
        let pool = handle("Pool", serde_json::json!({"name": "nb-user"}));
        assert_eq!(to_json(&to_dynamic(&pool)).unwrap(), pool);
        assert!(fits(&pool, Type::Handle("Pool")) && !fits(&pool, Type::Map));
        let closure = rhai::FnPtr::new("f").unwrap();
        assert_eq!(
            to_json(&vec![Dynamic::from(closure)].into()).unwrap_err(),
            "a Fn cannot be passed on"
        );
    }
}
