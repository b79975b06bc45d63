//! The practice world's registries of images, all of them behind one door; which one is meant, the
//! request's address says. Each has the manners of its kind.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::door::param;
use super::fault::Trouble;
use super::fetch::full;
use super::handle::Sim;
use super::images::{IMAGES, Image};
use super::objects::fingerprint;
use super::state::State as World;
use crate::world::snapshot::Exchange;

/// The token they all give, and know again.
const TOKEN: &str = "practice-pull";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Longer than anybody waits for an answer.
const NEVER: Duration = Duration::from_mins(1);

/// The registries, as a service.
pub(super) fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

async fn serve(State(sim): State<Sim>, request: Request) -> Response {
    let uri = request.uri().clone();
    let host = uri.host().unwrap_or_default();
    if sim.change(|state, at| state.strikes(Trouble::RegistryUnreachable, at)) {
        tokio::time::sleep(NEVER).await;
    }
    if let Some(answer) = sim.change(|state, _| state.replayed(&request)) {
        return answer;
    }
    let query = uri.query().unwrap_or_default();
    let mirrored = param(query, "ns");
    let registry = match mirrored {
        Some(name) => REGISTRIES.iter().find(|one| one.name == name),
        None => Registry::at(host),
    };
    let Some(registry) = registry else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let has = |name: header::HeaderName, what: &str| {
        let value = request.headers().get(name);
        value.is_some_and(|value| value.to_str().is_ok_and(|value| value.contains(what)))
    };
    let asked = Asked {
        registry,
        // A mirror is for everybody.
        known: mirrored.is_some() || has(header::AUTHORIZATION, TOKEN),
        oci: has(header::ACCEPT, INDEX),
        query,
    };
    let response = sim.change(|state, at| asked.answer(state, uri.path(), at));
    if request.method() == http::Method::HEAD {
        let (parts, _) = response.into_parts();
        return Response::from_parts(parts, axum::body::Body::empty());
    }
    response
}

/// A registry: where it is and where its tokens come from, and what it says of what it does not show.
struct Registry {
    /// As it stands in front of an image's name.
    name: &'static str,
    hosts: &'static [&'static str],
    realm: Option<&'static str>,
    service: &'static str,
    /// Of a repository that it does not have.
    unknown: StatusCode,
}

const REGISTRIES: [Registry; 4] = [
    Registry {
        name: "docker.io",
        hosts: &["registry-1.docker.io", "auth.docker.io"],
        realm: Some("https://auth.docker.io/token"),
        service: "registry.docker.io",
        unknown: StatusCode::UNAUTHORIZED,
    },
    Registry {
        name: "quay.io",
        hosts: &["quay.io"],
        realm: Some("https://quay.io/v2/auth"),
        service: "quay.io",
        unknown: StatusCode::UNAUTHORIZED,
    },
    Registry {
        name: "ghcr.io",
        hosts: &["ghcr.io"],
        realm: Some("https://ghcr.io/token"),
        service: "ghcr.io",
        unknown: StatusCode::FORBIDDEN,
    },
    Registry {
        name: "northamerica-northeast1-docker.pkg.dev",
        hosts: &["northamerica-northeast1-docker.pkg.dev"],
        realm: None,
        service: "",
        unknown: StatusCode::FORBIDDEN,
    },
];

impl Registry {
    fn at(host: &str) -> Option<&'static Self> {
        REGISTRIES.iter().find(|one| one.hosts.contains(&host))
    }

    /// Its images of a repository, each with its tag.
    fn images<'a>(&self, repository: &str) -> impl Iterator<Item = (&'static Image, &'a str)> {
        let prefix = format!("{}/{repository}:", self.name);
        IMAGES.iter().filter_map(move |image| {
            let name: &'static str = image.name;
            full(name).strip_prefix(&prefix)?;
            Some((image, name.rsplit(':').next()?))
        })
    }
}

/// A request, as far as it matters.
struct Asked<'a> {
    registry: &'static Registry,
    /// Whether it brought the token.
    known: bool,
    /// Whether it understands an index.
    oci: bool,
    query: &'a str,
}

impl Asked<'_> {
    fn answer(&self, state: &World, path: &str, at: Timestamp) -> Response {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        if ["token", "auth"].contains(parts.last().unwrap_or(&"")) {
            return self.token();
        }
        if state.strikes(Trouble::RegistryRateLimit, at) {
            let headers = [
                ("ratelimit-limit", "100;w=21600"),
                ("ratelimit-remaining", "0;w=21600"),
            ];
            let code = StatusCode::TOO_MANY_REQUESTS;
            return (headers, no(code, "TOOMANYREQUESTS")).into_response();
        }
        let ["v2", repository @ .., kind, reference] = parts.as_slice() else {
            return no(StatusCode::NOT_FOUND, "UNSUPPORTED");
        };
        let repository = repository.join("/");
        if let Some(realm) = self.registry.realm.filter(|_| !self.known) {
            let service = self.registry.service;
            let challenge = format!(
                "Bearer realm=\"{realm}\",service=\"{service}\",scope=\"repository:{repository}:pull\""
            );
            let headers = [(header::WWW_AUTHENTICATE, challenge)];
            return (headers, no(StatusCode::UNAUTHORIZED, "UNAUTHORIZED")).into_response();
        }
        let images: Vec<(&Image, &str)> = self.registry.images(&repository).collect();
        if images.is_empty() {
            return no(self.registry.unknown, "DENIED");
        }
        let foreign = state.strikes(Trouble::WrongArch, at);
        match (*kind, *reference) {
            ("tags", "list") => {
                let tags: Vec<&str> = images.iter().map(|(_, tag)| *tag).collect();
                axum::Json(json!({"name": repository, "tags": tags})).into_response()
            }
            ("manifests", reference) => self.manifest(&images, reference, foreign),
            ("blobs", digest) => {
                let mut configs = images.iter().flat_map(|(image, _)| {
                    let of = |a: &&'static str| (config(image, a), *a);
                    image.built_for(foreign).iter().map(of).collect::<Vec<_>>()
                });
                match configs.find(|(of, _)| of == digest) {
                    Some((_, architecture)) => {
                        let config = json!({"architecture": architecture, "os": "linux"});
                        axum::Json(config).into_response()
                    }
                    None => no(StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
                }
            }
            _ => no(StatusCode::NOT_FOUND, "UNSUPPORTED"),
        }
    }

    /// Some give a token for whatever is asked for; what it opens is another question.
    fn token(&self) -> Response {
        let repository = self.query.split("scope=repository:").nth(1);
        let repository = repository.and_then(|scope| scope.split(':').next());
        let there = repository.is_some_and(|name| self.registry.images(name).next().is_some());
        if self.registry.unknown == StatusCode::FORBIDDEN && !there {
            return no(StatusCode::FORBIDDEN, "DENIED");
        }
        axum::Json(json!({"token": TOKEN, "expires_in": 300})).into_response()
    }

    fn manifest(&self, images: &[(&Image, &str)], reference: &str, foreign: bool) -> Response {
        for (image, tag) in images {
            let architectures = image.built_for(foreign);
            let several = architectures.len() > 1;
            if *tag == reference || digest(image.name) == reference {
                if several && !self.oci {
                    return no(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
                }
                let (kind, body) = if several {
                    (INDEX, index(image, architectures))
                } else {
                    (
                        MANIFEST,
                        single(image, architectures.first().unwrap_or(&"amd64")),
                    )
                };
                let headers = [
                    ("content-type", kind.to_owned()),
                    ("docker-content-digest", digest(image.name)),
                ];
                return (headers, body.to_string()).into_response();
            }
            let one = architectures.iter().find(|a| part(image, a) == reference);
            if let Some(architecture) = one.filter(|_| several) {
                let body = single(image, architecture).to_string();
                return ([("content-type", MANIFEST)], body).into_response();
            }
        }
        no(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN")
    }
}

impl World {
    /// What the registry of a copied target answered to the same; nothing where this is no copy.
    fn replayed(&mut self, request: &Request) -> Option<Response> {
        let origin = self.origin.as_ref()?;
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let (url, accept) = (
            request.uri().to_string(),
            header(header::ACCEPT).unwrap_or_default(),
        );
        let known = header(header::AUTHORIZATION).is_some();
        let same = |one: &&Exchange| {
            one.method == request.method().as_str()
                && (one.url.as_str(), one.accept.as_str(), one.known) == (&url, accept, known)
        };
        let Some(one) = origin.web.iter().find(same) else {
            self.beyond(format!("what {url} answers: nobody has asked there"));
            return Some(StatusCode::NOT_FOUND.into_response());
        };
        let mut response = Response::builder().status(one.status);
        for (name, value) in &one.headers {
            response = response.header(name, value);
        }
        let body = axum::body::Body::from(one.body.clone());
        Some(response.body(body).unwrap_or_default())
    }
}

fn no(status: StatusCode, code: &str) -> Response {
    let errors = json!({"errors": [{"code": code, "message": "practice", "detail": null}]});
    (status, axum::Json(errors)).into_response()
}

/// What something is for ever.
fn digest(of: &str) -> String {
    let parts = (0..4).map(|i| format!("{:016x}", fingerprint(&format!("{i} {of}"))));
    format!("sha256:{}", parts.collect::<String>())
}

fn part(image: &Image, architecture: &str) -> String {
    digest(&format!("{} for {architecture}", image.name))
}

fn config(image: &Image, architecture: &str) -> String {
    digest(&format!("config of {} for {architecture}", image.name))
}

fn index(image: &Image, architectures: &[&str]) -> Value {
    let parts = architectures.iter().map(|architecture| {
        json!({"mediaType": MANIFEST, "size": 2_391, "digest": part(image, architecture),
            "platform": {"architecture": architecture, "os": "linux"}})
    });
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": parts.collect::<Value>()})
}

fn single(image: &Image, architecture: &str) -> Value {
    let layers: Vec<Value> = (1..=4_u64)
        .map(|i| {
            // A tenth, two tenths, three, and what is left.
            let size = match i {
                4 => image.bytes - image.bytes / 10 * 6,
                i => image.bytes / 10 * i,
            };
            json!({"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": size,
                "digest": digest(&format!("layer {i} of {}", image.name))})
        })
        .collect();
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 9_113,
            "digest": config(image, architecture)}})
}
