//! The forms in which objects are sent: whole, as a table, or their metadata alone; and lists of
//! them, written piece by piece, so that a long one is never in memory at once.

use std::convert::Infallible;
use std::fmt::Display;
use std::io::Write as _;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::header;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::kinds::Kind;
use super::object::Object;
use super::request::Request;
use super::table;

/// How many objects of a list or of a watch's beginning are written at a time.
pub(super) const CHUNK: usize = 500;

/// How objects of a kind are written for a client.
#[derive(Clone)]
pub(super) struct Form {
    kind: &'static Kind,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Whole,
    Metadata,
    Table(Included),
}

/// What of its object stands in a table's row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Included {
    Nothing,
    Metadata,
    Object,
}

/// Writes JSON into memory, which cannot fail.
fn json_into(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).unwrap_or_default();
}

fn text_into(out: &mut Vec<u8>, text: impl Display) {
    write!(out, "{text}").unwrap_or_default();
}

impl Form {
    /// The form a client asks for.
    pub(super) fn of(request: &Request, kind: &'static Kind) -> Result<Self, Failure> {
        let shape = if request.accepts("as=Table") {
            Shape::Table(match request.param("includeObject") {
                "" | "Metadata" => Included::Metadata,
                "None" => Included::Nothing,
                "Object" => Included::Object,
                other => {
                    return Err(Failure::bad_request(format!(
                        "unrecognized includeObject value: \"{other}\""
                    )));
                }
            })
        } else if request.accepts("as=PartialObjectMetadata") {
            Shape::Metadata
        } else {
            Shape::Whole
        };
        Ok(Self { kind, shape })
    }

    fn whole(object: &Object, listed: bool, out: &mut Vec<u8>) {
        match (object.seat(), listed) {
            (Some(seat), _) => seat.write(listed, out),
            (None, false) => json_into(out, object),
            (None, true) => {
                // The list has said kind and version for all of them.
                let fields = object.as_object().into_iter().flatten();
                let fields = fields.filter(|(name, _)| *name != "kind" && *name != "apiVersion");
                for ((name, value), i) in fields.zip(0..) {
                    out.push(if i == 0 { b'{' } else { b',' });
                    json_into(out, name);
                    out.push(b':');
                    json_into(out, value);
                }
                out.push(b'}');
            }
        }
    }

    fn metadata(object: &Object, out: &mut Vec<u8>) {
        let head =
            "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":";
        out.extend_from_slice(head.as_bytes());
        match object.seat() {
            Some(seat) => seat.write_metadata(out),
            None => json_into(out, &object.get("metadata")),
        }
        out.push(b'}');
    }

    /// An object of a list, or a row.
    fn item(&self, object: &Object, now: Timestamp, out: &mut Vec<u8>) {
        let Shape::Table(included) = self.shape else {
            match self.shape {
                Shape::Metadata => Self::metadata(object, out),
                _ => Self::whole(object, true, out),
            }
            return;
        };
        out.extend_from_slice(b"{\"cells\":");
        json_into(out, &table::cells(self.kind, &object.brief(), now));
        out.extend_from_slice(b",\"object\":");
        match included {
            Included::Nothing => out.extend_from_slice(b"null"),
            Included::Metadata => Self::metadata(object, out),
            Included::Object => Self::whole(object, false, out),
        }
        out.push(b'}');
    }

    /// What comes before the objects of a list.
    fn head(&self, metadata: &Value, describe: bool, out: &mut Vec<u8>) {
        let own = (format!("{}List", self.kind.name), self.kind.api_version());
        let (kind, version) = match self.shape {
            Shape::Whole => (own.0.as_str(), own.1.as_str()),
            Shape::Metadata => ("PartialObjectMetadataList", "meta.k8s.io/v1"),
            Shape::Table(_) => ("Table", "meta.k8s.io/v1"),
        };
        text_into(
            out,
            format_args!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{version}\",\"metadata\":"),
        );
        json_into(out, metadata);
        if let Shape::Table(_) = self.shape {
            out.extend_from_slice(b",\"columnDefinitions\":");
            json_into(out, &describe.then(|| table::columns(self.kind)));
            out.extend_from_slice(b",\"rows\":[");
        } else {
            out.extend_from_slice(b",\"items\":[");
        }
    }

    /// One object by itself; a table describes its columns if it is the first of a watch.
    pub(super) fn one(&self, object: &Object, describe: bool, now: Timestamp, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Whole => Self::whole(object, false, out),
            Shape::Metadata => Self::metadata(object, out),
            Shape::Table(_) => {
                self.head(&json!({}), describe, out);
                self.item(object, now, out);
                out.extend_from_slice(b"]}");
            }
        }
    }

    /// The answer that is one object.
    pub(super) fn answer(&self, object: &Object, now: Timestamp) -> Response {
        let mut body = Vec::new();
        self.one(object, true, now, &mut body);
        respond(Body::from(body))
    }

    /// The answer that is a list.
    pub(super) fn list(self, objects: Vec<Object>, metadata: &Value, now: Timestamp) -> Response {
        let mut head = Vec::new();
        self.head(metadata, true, &mut head);
        let mut objects = objects.into_iter();
        let mut first = true;
        let mut out = Some(head);
        let chunks = std::iter::from_fn(move || {
            let mut chunk = out.take()?;
            for object in objects.by_ref().take(CHUNK) {
                if !std::mem::take(&mut first) {
                    chunk.push(b',');
                }
                self.item(&object, now, &mut chunk);
            }
            if objects.len() == 0 {
                chunk.extend_from_slice(b"]}");
            } else {
                out = Some(Vec::new());
            }
            Some(Ok::<_, Infallible>(Bytes::from(chunk)))
        });
        respond(Body::from_stream(stream::iter(chunks)))
    }
}

fn respond(body: Body) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, body).into_response()
}
