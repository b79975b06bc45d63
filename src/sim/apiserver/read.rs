//! Requests that read: one object, or a list in pages.

use axum::response::Response;
use serde_json::{Value, json};

use super::Cluster;
use super::failure::Failure;
use super::form::Form;
use super::object::{Object, set};
use super::request::{Request, Target};
use super::selector::Selector;
use super::store::Store;

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
    Ok(Form::of(request, target.kind)?.answer(&object, cluster.now()))
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
    let form = Form::of(request, target.kind)?;
    Ok(form.list(objects, &metadata, cluster.now()))
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
    let token = match token {
        "" => Token {
            version: store.version(),
            left: None,
            after: "",
        },
        token => {
            Token::read(token).ok_or_else(|| Failure::bad_request("continue key is not valid"))?
        }
    };
    let Token {
        version,
        left,
        after,
    } = token;
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
        // Counted once: a long list is not walked to its end for every page of it.
        let passed = u64::try_from(objects.len()).unwrap_or(u64::MAX);
        let left = match left {
            Some(left) => left.saturating_sub(passed),
            None if selector.is_empty() => u64::try_from(found.count()).unwrap_or(u64::MAX),
            None => 0,
        };
        let token = format!("{version}.{left}.{last}");
        set(&mut metadata, "continue", json!(token));
        if selector.is_empty() {
            set(&mut metadata, "remainingItemCount", json!(left));
        }
    }
    Ok((objects, metadata))
}

/// Where a list goes on: its version, how many objects come after the key, and that key.
struct Token<'a> {
    version: u64,
    left: Option<u64>,
    after: &'a str,
}

impl<'a> Token<'a> {
    fn read(written: &'a str) -> Option<Self> {
        let mut parts = written.splitn(3, '.');
        Some(Self {
            version: parts.next()?.parse().ok()?,
            left: Some(parts.next()?.parse().ok()?),
            after: parts.next()?,
        })
    }
}
