//! Who owns which field of an object (`managedFields`), told from the object itself.

use serde_json::{Map, Value, json};

/// The lists whose items have an identity of their own, and what makes it.
const KEYED: [(&str, &[&str]); 9] = [
    ("conditions", &["type"]),
    ("containers", &["name"]),
    ("env", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("podIPs", &["ip"]),
    ("ports", &["containerPort", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
];

/// The fields of an object, as `FieldsV1` writes them.
pub(super) fn fields(object: &Value) -> Value {
    let fields = object.as_object().into_iter().flatten();
    let fields = fields.map(|(name, value)| {
        let keys = KEYED
            .iter()
            .find(|(list, _)| list == name)
            .map(|(_, keys)| *keys);
        let inside = match (keys, value) {
            (Some(keys), Value::Array(items)) => list(items, keys),
            (None, Value::Object(_)) => fields_of(value),
            _ => json!({}),
        };
        (format!("f:{name}"), inside)
    });
    Value::Object(fields.collect())
}

/// The same for an object inside another, which is owned itself too.
fn fields_of(object: &Value) -> Value {
    let mut inside = fields(object);
    if let Some(inside) = inside.as_object_mut() {
        inside.insert(".".to_owned(), json!({}));
    }
    inside
}

fn list(items: &[Value], keys: &[&str]) -> Value {
    let mut owned = Map::new();
    owned.insert(".".to_owned(), json!({}));
    for item in items {
        let identity: Map<String, Value> = keys
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone())))
            .collect();
        owned.insert(format!("k:{}", Value::Object(identity)), fields_of(item));
    }
    Value::Object(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_owned_by_name_and_items_by_what_identifies_them() {
        let object = json!({"spec": {"nodeName": "n", "args": ["a"],
            "env": [{"name": "A", "value": "1"}]}});
        assert_eq!(
            fields(&object),
            json!({"f:spec": {".": {}, "f:args": {}, "f:nodeName": {},
                "f:env": {".": {}, "k:{\"name\":\"A\"}":
                    {".": {}, "f:name": {}, "f:value": {}}}}})
        );
    }
}
