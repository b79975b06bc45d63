//! Patches, by content type. A strategic merge is taken as a plain merge: the lists it would
//! merge by key are replaced whole.

use serde_json::{Map, Value};

use super::failure::Failure;

/// Applies a patch of that content type.
pub(super) fn apply(object: &mut Value, content_type: &str, patch: &Value) -> Result<(), Failure> {
    match content_type {
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            if !patch.is_object() {
                return Err(Failure::bad_request("the patch is not a JSON object"));
            }
            merge(object, patch);
            Ok(())
        }
        "application/json-patch+json" => {
            let steps = patch
                .as_array()
                .ok_or_else(|| Failure::bad_request("the patch is not a JSON array"))?;
            steps.iter().try_for_each(|step| {
                take_step(object, step).ok_or_else(|| {
                    let message = "the server rejected our request due to an error in our request";
                    Failure::new(422, "Invalid", message)
                })
            })
        }
        _ => Err(Failure::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: \
             application/json-patch+json, application/merge-patch+json, \
             application/strategic-merge-patch+json",
        )),
    }
}

/// RFC 7386; the directives of strategic merges (`$patch`, `$retainKeys`, ...) are left out.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return;
    };
    for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.as_str()).or_insert(Value::Null), value);
        }
    }
}

/// One operation of RFC 6902; `None` when it cannot be done.
fn take_step(object: &mut Value, step: &Value) -> Option<()> {
    let path = step.get("path")?.as_str()?;
    match step.get("op")?.as_str()? {
        "add" => put(object, path, step.get("value")?.clone(), true),
        "replace" => {
            object.pointer(path)?;
            put(object, path, step.get("value")?.clone(), false)
        }
        "remove" => take(object, path).map(drop),
        "test" => (object.pointer(path)? == step.get("value")?).then_some(()),
        _ => None,
    }
}

/// The parent of a path, and the name in it.
fn parent<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    let name = name.replace("~1", "/").replace("~0", "~");
    Some((object.pointer_mut(parent)?, name))
}

fn put(object: &mut Value, path: &str, value: Value, insert: bool) -> Option<()> {
    if path.is_empty() {
        *object = value;
        return Some(());
    }
    match parent(object, path)? {
        (Value::Object(fields), name) => drop(fields.insert(name, value)),
        (Value::Array(items), name) if insert => {
            let index = match name.as_str() {
                "-" => items.len(),
                name => name.parse().ok().filter(|index| *index <= items.len())?,
            };
            items.insert(index, value);
        }
        (Value::Array(items), name) => {
            *items.get_mut(name.parse::<usize>().ok()?)? = value;
        }
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Value, path: &str) -> Option<Value> {
    match parent(object, path)? {
        (Value::Object(fields), name) => fields.remove(&name),
        (Value::Array(items), name) => {
            let index = name.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(content_type: &str, patch: &Value) -> Result<Value, u64> {
        let mut object = json!({"spec": {"taints": [{"key": "a"}], "unschedulable": true}});
        let content_type = format!("application/{content_type}-patch+json");
        match apply(&mut object, &content_type, patch) {
            Ok(()) => Ok(object["spec"].clone()),
            Err(failure) => Err(failure.status()["code"].as_u64().unwrap()),
        }
    }

    #[test]
    fn a_merge_removes_what_is_null_and_replaces_lists() {
        let patch = json!({"spec": {"unschedulable": null, "taints": [{"key": "b"}], "$x": 1}});
        let expected = json!({"taints": [{"key": "b"}]});
        assert_eq!(patched("merge", &patch), Ok(expected.clone()));
        assert_eq!(patched("strategic-merge", &patch), Ok(expected));
    }

    #[test]
    fn a_json_patch_adds_replaces_tests_and_removes() {
        let patch = json!([
            {"op": "test", "path": "/spec/unschedulable", "value": true},
            {"op": "add", "path": "/spec/taints/-", "value": {"key": "b"}},
            {"op": "add", "path": "/spec/a~1b", "value": 1},
            {"op": "replace", "path": "/spec/taints/0/key", "value": "c"},
            {"op": "remove", "path": "/spec/unschedulable"},
        ]);
        let expected = json!({"taints": [{"key": "c"}, {"key": "b"}], "a/b": 1});
        assert_eq!(patched("json", &patch), Ok(expected));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        for step in [
            json!({"op": "test", "path": "/spec/unschedulable", "value": false}),
            json!({"op": "replace", "path": "/spec/nothing", "value": 1}),
            json!({"op": "remove", "path": "/spec/taints/7"}),
            json!({"op": "add", "path": "/spec/taints/7", "value": 1}),
            json!({"op": "dance", "path": "/spec"}),
        ] {
            assert_eq!(patched("json", &json!([step])), Err(422), "{step}");
        }
        assert_eq!(patched("merge", &json!([])), Err(400));
        assert_eq!(patched("apply", &json!({})), Err(415));
    }
}
