//! The practice world's hub: `JupyterHub`'s REST API, its configurator, and the servers it starts.
//!
//! It is the hub of the first namespace; everybody with a server there is one of its users. Its
//! answers are those measured of real hubs.

mod kernel;
mod progress;
mod servers;
mod users;

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::configurator::{AWAY, Configurator};
use super::door::param;
use super::fault::Trouble;
use super::handle::Sim;
use super::state::{self as world, millis};
use crate::world::snapshot;
use servers::Spawn;

/// Where it is, as far as anybody is told.
pub(super) const ADDRESS: &str = "http://practice-hub";
/// The token that opens it.
pub(super) const TOKEN: &str = "practice-hub-token";
/// The version it says it is.
const VERSION: &str = "5.4.6";
/// The longest request.
const BODY_MAX: usize = 1 << 20;

/// What the hub knows beyond who has a server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Hub {
    pub(super) configurator: Configurator,
    /// Users that were made over the API.
    accounts: BTreeSet<String>,
    /// Servers that were asked for over the API, by user.
    pub(super) spawns: BTreeMap<String, Spawn>,
    /// Whose each kernel is, by its id.
    kernels: BTreeMap<String, String>,
    /// What our token may do, where this is a copy.
    token: Option<Token>,
    /// Its version, likewise.
    version: Option<String>,
    /// When it is back, while it restarts.
    pub(super) back_ms: u64,
}

/// What a token may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    admin: bool,
    scopes: Vec<String>,
}

impl Hub {
    /// The same as a hub that was looked at.
    pub(super) fn copy(&mut self, seen: &snapshot::Hub) {
        self.configurator = Configurator::copy(seen.schema, seen.config.as_deref());
        self.version = Some(seen.version.clone());
        self.token = Some(Token {
            admin: seen.admin,
            scopes: seen.scopes.clone(),
        });
    }

    fn version(&self) -> &str {
        self.version.as_deref().unwrap_or(VERSION)
    }

    /// Whether our token may do something with a user, or with their server.
    fn may_with(&self, user: &str, rest: &[&str]) -> bool {
        let what = if rest.is_empty() {
            "admin:users"
        } else {
            "servers"
        };
        self.may(&format!("{what}!user={user}"))
    }

    /// Whether our token has a scope: itself, or the same for everybody.
    fn may(&self, scope: &str) -> bool {
        let wide = scope.split('!').next().unwrap_or(scope);
        let has = |token: &Token| token.scopes.iter().any(|one| one == scope || one == wide);
        self.token.as_ref().is_none_or(has)
    }
}

/// A request, read.
struct Asked {
    method: Method,
    /// Without slashes at its end, its parts decoded.
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    upgrade: Option<OnUpgrade>,
}

/// What whoever asks may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// The hub does not know them.
    Nobody,
    /// They may do nothing but say who they are.
    Narrow,
    Full,
}

/// The hub, as a service.
pub(super) fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

async fn serve(State(sim): State<Sim>, mut request: Request) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = Asked {
        method: parts.method,
        path: decoded(parts.uri.path().trim_end_matches('/')),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        upgrade,
    };
    let rights = sim.change(|state, at| asked.rights(state, at));
    let unrouted = sim.change(|state, at| unrouted(state, at));
    if let Some(path) = asked.path.strip_prefix("/services/configurator") {
        // It runs beside the hub, and goes on when that does not; only its route comes back last.
        if unrouted || !parts.uri.path()["/services/configurator".len()..].starts_with('/') {
            return StatusCode::NOT_FOUND.into_response();
        }
        let admin = sim.change(|state, _| state.hub.token.as_ref().is_none_or(|token| token.admin));
        let (known, may) = (rights != Rights::Nobody, rights == Rights::Full && admin);
        let what = (&asked.method, path.trim_start_matches('/'));
        return sim.change(|state, at| state.configure(what, (known, may), &asked.body, at));
    }
    if let Some(answer) = sim.change(away) {
        return answer;
    }
    match asked.path.strip_prefix("/user/") {
        Some(path) => kernel::serve(&sim, &asked, rights, path).await,
        None => sim
            .clone()
            .change(|state, at| asked.answer(&sim, state, rights, at)),
    }
}

/// Whether the hub runs again, and the proxy has no routes yet.
fn unrouted(state: &world::State, at: Timestamp) -> bool {
    let back = state.hub.back_ms;
    back > millis(at) && back <= millis(at) + AWAY.1
}

/// What the proxy before the hub says while that is away.
fn away(state: &mut world::State, at: Timestamp) -> Option<Response> {
    if unrouted(state, at) {
        return Some(StatusCode::NOT_FOUND.into_response());
    }
    let restarts = state.hub.back_ms > millis(at);
    (restarts || state.strikes(Trouble::HubDown, at))
        // Not in JSON.
        .then(|| (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response())
}

fn no(status: StatusCode, message: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "message": message });
    (status, axum::Json(body)).into_response()
}

fn needs(scope: &str) -> Response {
    let message =
        format!("Action is not authorized with current scopes; requires any of [{scope}]");
    no(StatusCode::FORBIDDEN, &message)
}

/// `%40` is `@`.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let pair = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
        let digits = pair.and_then(|[a, b]| {
            let text = [a?, b?];
            u8::from_str_radix(std::str::from_utf8(&text).ok()?, 16).ok()
        });
        match digits {
            Some(decoded) => {
                rest = ahead;
                bytes.push(decoded);
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Asked {
    /// `token T` and `Bearer T` are the same to a hub.
    fn rights(&self, state: &world::State, at: Timestamp) -> Rights {
        let given = self.headers.get(header::AUTHORIZATION);
        let given = given.and_then(|given| given.to_str().ok()?.split_once(' '));
        let known =
            given.is_some_and(|(how, token)| matches!(how, "token" | "Bearer") && token == TOKEN);
        if !known || state.strikes(Trouble::TokenExpired, at) {
            Rights::Nobody
        } else if state.strikes(Trouble::TokenTooNarrow, at) {
            Rights::Narrow
        } else {
            Rights::Full
        }
    }

    fn param(&self, name: &str) -> Option<&str> {
        param(&self.query, name)
    }

    fn wants(&self, kind: &str) -> bool {
        let accept = self.headers.get(header::ACCEPT);
        accept.is_some_and(|accept| accept == kind)
    }

    /// The REST API.
    fn answer(
        &self,
        sim: &Sim,
        state: &mut world::State,
        rights: Rights,
        at: Timestamp,
    ) -> Response {
        let parts: Vec<&str> = self.path.split('/').skip(1).collect();
        match (self.method.as_str(), parts.as_slice()) {
            ("GET" | "HEAD", ["hub", "health"]) => return StatusCode::OK.into_response(),
            ("GET", ["hub", "api"]) => {
                return axum::Json(json!({ "version": state.hub.version() })).into_response();
            }
            (_, ["hub", "api", ..]) => {}
            _ => return no(StatusCode::NOT_FOUND, "Not Found"),
        }
        if rights == Rights::Nobody {
            return no(StatusCode::FORBIDDEN, "Forbidden");
        }
        match (self.method.as_str(), parts.get(2..).unwrap_or_default()) {
            ("GET", ["user"]) => axum::Json(ourselves(state, rights)).into_response(),
            ("GET", ["info"]) if rights == Rights::Full => {
                axum::Json(info(state.hub.version())).into_response()
            }
            ("GET", ["info"]) => needs("read:hub"),
            ("GET", ["users"]) if rights == Rights::Full && state.hub.may("list:users") => {
                users::list(self, state, at)
            }
            ("GET", ["users"]) => needs("list:users"),
            (_, ["users", ..]) if rights == Rights::Narrow => needs("admin:users"),
            (_, ["users", user, rest @ ..]) if !state.hub.may_with(user, rest) => {
                needs("admin:users")
            }
            // Whatever a token's filter leaves out does not exist for it.
            (_, ["users", user, ..]) if *user != state.layout.checker => no(
                StatusCode::NOT_FOUND,
                "No access to resources or resources not found",
            ),
            ("GET", ["users", user]) => users::one(state, user, at),
            ("POST", ["users", user]) => users::create(state, user, at),
            ("DELETE", ["users", user]) => users::delete(state, user, at),
            ("POST", ["users", user, "server"]) => servers::start(state, user, at),
            ("DELETE", ["users", user, "server"]) => servers::stop(state, user, at),
            ("GET", ["users", user, "server", "progress"]) => progress::follow(sim, state, user),
            ("POST", ["users", _, "servers", _]) => {
                no(StatusCode::BAD_REQUEST, "Named servers are not enabled")
            }
            (_, ["user" | "info" | "users"]) => {
                no(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            }
            _ => no(StatusCode::NOT_FOUND, "Not Found"),
        }
    }
}

/// Whose token it is, and what it may do; that it may always ask.
fn ourselves(state: &world::State, rights: Rights) -> Value {
    if let Some(token) = &state.hub.token {
        return json!({ "name": "operator", "kind": "user", "admin": token.admin, "groups": [], "scopes": token.scopes });
    }
    let checker = &state.layout.checker;
    let own = ["groups", "name"].map(|of| format!("read:users:{of}!user=operator"));
    let wide = [
        "access:services!service=configurator",
        "list:users",
        "read:hub",
        "read:servers",
        "read:users:activity",
    ];
    let checks = [
        "access:servers",
        "admin:users",
        "delete:servers",
        "delete:users",
        "read:users",
        "servers",
        "start:servers",
    ];
    let mut scopes: Vec<String> = own.to_vec();
    if rights == Rights::Full {
        scopes.extend(wide.map(str::to_owned));
        scopes.extend(checks.map(|scope| format!("{scope}!user={checker}")));
    }
    scopes.sort();
    json!({ "name": "operator", "kind": "user", "admin": true, "groups": [], "scopes": scopes })
}

fn info(version: &str) -> Value {
    json!({
        "version": version, "python": "3.11.9", "sys_executable": "/usr/local/bin/python3",
        "authenticator": {"class": "oauthenticator.cilogon.CILogonOAuthenticator",
            "version": "17.0.0"},
        "spawner": {"class": "kubespawner.spawner.KubeSpawner", "version": "6.2.0"},
    })
}

/// A body of JSON with this status.
fn answered(status: StatusCode, body: impl Serialize) -> Response {
    (status, axum::Json(body)).into_response()
}

/// Nothing but a status.
fn empty(status: StatusCode) -> Response {
    (status, Body::empty()).into_response()
}
