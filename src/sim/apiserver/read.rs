//! Requests that read: one object, or a list in pages.

use axum::response::{IntoResponse as _, Response};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Cluster;
use super::failure::Failure;
use super::object::{Object, set};
use super::request::{Request, Target};
use super::selector::Selector;
use super::store::Store;
use super::table::Table;

/// A list as it is sent.
#[derive(Serialize)]
struct List {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    metadata: Value,
    items: Vec<Item>,
}

/// An object in a list: the list has said kind and version for all of them.
struct Item(Object);

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.as_object().into_iter().flatten() {
            if name != "kind" && name != "apiVersion" {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// GET of one object.
pub(super) fn get<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<Response, Failure> {
    let object = cluster
        .with(|store| store.object(target.kind.name, target.namespace, name))
        .ok_or_else(|| Failure::not_found(target.kind, name))?;
    if request.wants_table() {
        let table = Table::new(target.kind, cluster.now(), request.param("includeObject"));
        return Ok(axum::Json(table.of(&[object], &json!({}), true)).into_response());
    }
    Ok(axum::Json(object).into_response())
}

/// GET of a list.
pub(super) fn list<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
) -> Result<Response, Failure> {
    let (labels, fields) = (
        request.param("labelSelector"),
        request.param("fieldSelector"),
    );
    let selector = Selector::parse(target.kind, labels, fields)?;
    // A list from the cache is whole, whatever its limit says.
    let limit = match request.param("resourceVersion") {
        "0" => None,
        _ => request.number("limit")?.filter(|limit| *limit > 0),
    };
    let token = request.param("continue");
    let (objects, metadata) = cluster.with(|store| page(store, target, &selector, limit, token))?;
    if request.wants_table() {
        let table = Table::new(target.kind, cluster.now(), request.param("includeObject"));
        return Ok(axum::Json(table.of(&objects, &metadata, true)).into_response());
    }
    let list = List {
        kind: format!("{}List", target.kind.name),
        api_version: target.kind.api_version(),
        metadata,
        items: objects.into_iter().map(Item).collect(),
    };
    Ok(axum::Json(list).into_response())
}

/// One page, and the list's metadata.
///
/// Every page says the version of the first one, so that a watch from there brings whatever has
/// changed since in objects already passed.
fn page(
    store: &Store,
    target: &Target<'_>,
    selector: &Selector,
    limit: Option<u64>,
    token: &str,
) -> Result<(Vec<Object>, Value), Failure> {
    let (version, after) = match token {
        "" => (store.version(), ""),
        token => token
            .split_once('.')
            .and_then(|(version, key)| Some((version.parse().ok()?, key)))
            .ok_or_else(|| Failure::bad_request("continue key is not valid"))?,
    };
    if store.since(version).is_none() {
        return Err(Failure::expired(version, store.oldest()));
    }
    let mut found = store
        .after(target.kind.name, target.namespace, after)
        .filter(|(_, object)| selector.matches(object))
        .peekable();
    let size = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let (mut objects, mut last) = (Vec::new(), after);
    while objects.len() < size
        && let Some((key, object)) = found.next()
    {
        objects.push(object.clone());
        last = key;
    }
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if found.peek().is_some() {
        set(
            &mut metadata,
            "continue",
            json!(format!("{version}.{last}")),
        );
        if selector.is_empty() {
            set(&mut metadata, "remainingItemCount", json!(found.count()));
        }
    }
    Ok((objects, metadata))
}
