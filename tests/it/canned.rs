//! A server on loopback that answers as it is told and remembers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt as _};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Recorded {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// Method and path without query.
    pub(crate) fn line(&self) -> String {
        let path = self.path.split('?').next().unwrap();
        format!("{} {path}", self.method)
    }

    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What to answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

impl Answer {
    /// 200 with JSON.
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into(),
        }
    }

    /// A watch that tells this after a moment, and then stays open without a word.
    pub(crate) fn watch(told: &[serde_json::Value]) -> Self {
        let lines: Vec<String> = told.iter().map(|event| format!("{event}\n")).collect();
        let told = stream::once(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok::<_, Infallible>(lines.concat())
        });
        Self {
            body: Body::from_stream(told.chain(stream::pending())),
            ..Self::json(&serde_json::Value::Null)
        }
    }

    /// 200 whose JSON comes only once `released`.
    pub(crate) fn held_until(released: Arc<Notify>, body: &serde_json::Value) -> Self {
        let text = body.to_string();
        let held = stream::once(async move {
            released.notified().await;
            Ok::<_, Infallible>(text)
        });
        Self {
            body: Body::from_stream(held),
            ..Self::json(body)
        }
    }

    /// A failure as Google's APIs say it.
    pub(crate) fn google(code: u16, status: &str, message: &str) -> Self {
        let error = serde_json::json!({ "code": code, "status": status, "message": message });
        Self {
            status: code,
            ..Self::json(&serde_json::json!({ "error": error }))
        }
    }

    /// A failure as Kubernetes says it.
    pub(crate) fn kubernetes(code: u16, reason: &str, message: &str) -> Self {
        Self {
            status: code,
            ..Self::json(&serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": code,
            }))
        }
    }
}

/// A running server; it ends when dropped.
pub(crate) struct Canned {
    address: SocketAddr,
    authority: Option<String>,
    seen: Arc<Mutex<Vec<Recorded>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Canned {
    /// Answers over plain HTTP.
    pub(crate) async fn plain(
        answer: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serving(answering(answer), false).await
    }

    /// Answers over TLS, vouched for by an authority of its own.
    pub(crate) async fn tls(answer: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Self {
        Self::serving(answering(answer), true).await
    }

    /// Serves this router.
    pub(crate) async fn serving(router: Router, tls: bool) -> Self {
        runbook::world::live::install_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (acceptor, authority) = if tls {
            let (acceptor, authority) = certified();
            (Some(acceptor), Some(authority))
        } else {
            (None, None)
        };
        let accepting = tokio::spawn(accept(listener, acceptor, router, Arc::clone(&seen)));
        Self {
            address,
            authority,
            seen,
            accepting,
        }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`, or `https`.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// Its authority's certificate as GKE gives it: base64 of PEM.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_deref().unwrap()
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().unwrap().clone()
    }

    /// Every request so far, as `METHOD /path`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Recorded::line).collect()
    }
}

/// An address nobody listens on, and the socket that keeps it so.
pub(crate) fn nobody() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

fn answering(answer: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Router {
    let answer = Arc::new(answer);
    Router::new().fallback(move |request: Request<Body>| {
        let answer = answer(request.extensions().get::<Recorded>().unwrap());
        let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        let response = response.body(answer.body).unwrap();
        async move { response }
    })
}

fn certified() -> (TlsAcceptor, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), STANDARD.encode(pem))
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    seen: Arc<Mutex<Vec<Recorded>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = recording(router.clone(), Arc::clone(&seen));
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            // A client that hangs up is its own affair.
            match acceptor {
                None => {
                    let io = TokioIo::new(stream);
                    http.serve_connection(io, service)
                        .with_upgrades()
                        .await
                        .ok()
                }
                Some(acceptor) => {
                    let io = TokioIo::new(acceptor.accept(stream).await.ok()?);
                    http.serve_connection(io, service)
                        .with_upgrades()
                        .await
                        .ok()
                }
            }
        });
    }
}

fn recording(
    router: Router,
    seen: Arc<Mutex<Vec<Recorded>>>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let seen = Arc::clone(&seen);
        async move {
            let (mut parts, body) = request.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let recorded = Recorded {
                method: parts.method.to_string(),
                path: parts.uri.path_and_query().unwrap().to_string(),
                headers: parts.headers.clone(),
                body: String::from_utf8_lossy(&bytes).into_owned(),
            };
            seen.lock().unwrap().push(recorded.clone());
            parts.extensions.insert(recorded);
            router
                .oneshot(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
    })
}
