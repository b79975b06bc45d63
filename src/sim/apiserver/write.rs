//! Requests that change something: create, replace, patch, delete, evict.

use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::failure::Failure;
use super::kinds::Kind;
use super::object::{Object, set, set_meta, text};
use super::request::{Request, Target};
use super::store::Store;
use super::{Cluster, eviction, patch};

const STALE: &str = "the object has been modified; please apply your changes to the latest version \
                     and try again";

/// Tells the cluster, and answers.
fn accepted<C: Cluster>(
    cluster: &C,
    request: &Request,
    body: &Value,
    code: StatusCode,
    answer: impl serde::Serialize,
) -> Response {
    cluster.mutated(request.method.as_str(), &request.path, body);
    (code, axum::Json(answer)).into_response()
}

/// POST of a new object.
pub(super) fn create<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
) -> Result<Response, Failure> {
    let Target {
        kind, namespace, ..
    } = target;
    if kind.namespaced && namespace.is_none() {
        return Err(Failure::wrong_method());
    }
    let body = request.json()?;
    check_kind(&body, kind)?;
    check_times(&body, kind)?;
    if !text(&body, "/metadata/resourceVersion").is_empty() {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Failure::new(500, "InternalError", message));
    }
    let now = cluster.now();
    let created = cluster.with(|store| {
        let mut object = body.clone();
        let name = match text(&body, "/metadata/name") {
            "" => match text(&body, "/metadata/generateName") {
                "" => return Err(Failure::bad_request("metadata.name: Required value")),
                prefix => format!("{prefix}{:05x}", store.version() + 1),
            },
            name => name.to_owned(),
        };
        if store.get(kind.name, *namespace, &name).is_some() {
            return Err(Failure::already_exists(kind, &name));
        }
        identify(&mut object, kind, *namespace, &name);
        store.put(object, now);
        found(store, kind, *namespace, &name)
    })?;
    Ok(accepted(
        cluster,
        request,
        &body,
        StatusCode::CREATED,
        created,
    ))
}

/// PUT or PATCH of an object or of its status.
pub(super) fn change<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<Response, Failure> {
    let Target {
        kind,
        namespace,
        sub,
        ..
    } = target;
    let body = request.json()?;
    let now = cluster.now();
    let changed = cluster.with(|store| {
        let old = found(store, kind, *namespace, name)?;
        let mut new = (*old).clone();
        if request.method == Method::PUT {
            check_kind(&body, kind)?;
            new.clone_from(&body);
        } else {
            patch::apply(&mut new, request.content_type(), &body)?;
        }
        check_times(&new, kind)?;
        let seen = text(&new, "/metadata/resourceVersion");
        if !seen.is_empty() && seen != text(&old, "/metadata/resourceVersion") {
            return Err(Failure::conflict(kind, name, STALE));
        }
        // The object and its status are written through different doors.
        let (mut object, status) = match sub {
            Some(_) => ((*old).clone(), new.get("status").cloned()),
            None => (new, old.get("status").cloned()),
        };
        if let Some(status) = status {
            set(&mut object, "status", status);
        }
        for field in ["uid", "creationTimestamp"] {
            let kept = text(&old, &format!("/metadata/{field}"));
            set_meta(&mut object, field, json!(kept));
        }
        identify(&mut object, kind, *namespace, name);
        store.put(object, now);
        found(store, kind, *namespace, name)
    })?;
    Ok(accepted(cluster, request, &body, StatusCode::OK, changed))
}

/// DELETE of one object. A pod that runs is marked, and gone when its grace is over.
pub(super) fn delete<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<Response, Failure> {
    let body = request.json()?;
    let now = cluster.now();
    let Target {
        kind, namespace, ..
    } = target;
    let last = cluster.with(|store| {
        let old = found(store, kind, *namespace, name)?;
        check_preconditions(&old, kind, &body)?;
        let last = match (kind.name, *namespace) {
            ("Pod", Some(namespace)) => eviction::end(store, (namespace, name), grace(&body), now),
            (kind, namespace) => store.remove(kind, namespace, name, now),
        };
        last.ok_or_else(|| Failure::not_found(kind, name))
    })?;
    let answer = if target.kind.name == "Pod" {
        last
    } else {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": name, "kind": target.kind.plural,
                "uid": text(&last, "/metadata/uid")}})
    };
    Ok(accepted(cluster, request, &body, StatusCode::OK, answer))
}

/// POST of an eviction.
pub(super) fn evict<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<Response, Failure> {
    let body = request.json()?;
    let options = body.get("deleteOptions").cloned().unwrap_or_default();
    let now = cluster.now();
    cluster.with(|store| {
        let old = found(store, target.kind, target.namespace, name)?;
        check_preconditions(&old, target.kind, &options)?;
        let namespace = target.namespace.unwrap_or_default();
        eviction::evict(store, (namespace, name), grace(&options), now)
    })?;
    let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "code": 201});
    Ok(accepted(cluster, request, &body, StatusCode::CREATED, done))
}

/// The seconds that whoever deletes something gives it.
fn grace(options: &Value) -> Option<u64> {
    options.get("gracePeriodSeconds").and_then(Value::as_u64)
}

/// Whether an object is still the one that is meant.
fn check_preconditions(object: &Value, kind: &Kind, options: &Value) -> Result<(), Failure> {
    for (field, label) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let wanted = text(options, &format!("/preconditions/{field}"));
        let actual = text(object, &format!("/metadata/{field}"));
        if !wanted.is_empty() && wanted != actual {
            let why = format!(
                "Precondition failed: {label} in precondition: {wanted}, {label} in object meta: \
                 {actual}"
            );
            return Err(Failure::conflict(
                kind,
                text(object, "/metadata/name"),
                &why,
            ));
        }
    }
    Ok(())
}

/// May I? In the practice world one may do everything, unless a fault says otherwise. Newer
/// `kubectl`s ask in protobuf, which is not read: they may.
pub(super) fn review(cluster: &impl Cluster, request: &Request) -> Result<Response, Failure> {
    if request.method != Method::POST {
        return Err(Failure::wrong_method());
    }
    let mut review = request.json().unwrap_or_default();
    if !review.is_object() {
        review = json!({"metadata": {}, "spec": {}});
    }
    set(&mut review, "kind", json!("SelfSubjectAccessReview"));
    set(&mut review, "apiVersion", json!("authorization.k8s.io/v1"));
    let asked = |key: &str| text(&review, &format!("/spec/resourceAttributes/{key}"));
    let method = match asked("verb") {
        "create" => Some("POST"),
        "update" => Some("PUT"),
        "patch" => Some("PATCH"),
        "delete" => Some("DELETE"),
        _ => None,
    };
    let path = format!("/api/v1/{}", asked("resource"));
    let refusal = method.and_then(|method| cluster.refuse(method, &path));
    let allowed = refusal.is_none_or(|refusal| refusal.code != 403);
    let status = json!({"allowed": allowed, "reason": "practice"});
    set(&mut review, "status", status);
    Ok((StatusCode::CREATED, axum::Json(review)).into_response())
}

fn found(
    store: &Store,
    kind: &Kind,
    namespace: Option<&str>,
    name: &str,
) -> Result<Object, Failure> {
    store
        .object(kind.name, namespace, name)
        .ok_or_else(|| Failure::not_found(kind, name))
}

/// Makes the object say what its path says.
fn identify(object: &mut Value, kind: &Kind, namespace: Option<&str>, name: &str) {
    set_meta(object, "name", json!(name));
    if let Some(namespace) = namespace {
        set_meta(object, "namespace", json!(namespace));
    }
    set(object, "kind", json!(kind.name));
    set(object, "apiVersion", json!(kind.api_version()));
}

/// The times of a lease have six decimals, or cannot be read.
fn check_times(object: &Value, kind: &Kind) -> Result<(), Failure> {
    if kind.name != "Lease" {
        return Ok(());
    }
    for field in ["acquireTime", "renewTime"] {
        let time = text(object, &format!("/spec/{field}"));
        let decimals = time.rsplit_once('.').map_or("", |(_, decimals)| decimals);
        if !time.is_empty() && decimals.len() != "000000Z".len() {
            return Err(Failure::bad_request(format!(
                "Lease in version \"v1\" cannot be handled as a Lease: parsing time \"{time}\" as \
                 \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \".{decimals}\" as \".000000\""
            )));
        }
    }
    Ok(())
}

fn check_kind(body: &Value, kind: &Kind) -> Result<(), Failure> {
    let said = text(body, "/kind");
    if !body.is_object() || !(said.is_empty() || said == kind.name) {
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized: a {} belongs here, not {said:?}",
            kind.name
        )));
    }
    Ok(())
}
