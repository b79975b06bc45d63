//! The door to a service that speaks plain HTTP: one service type, live or practice.
//!
//! Redirects are never followed: where one would lead, a token must not go.

use std::time::Duration;

use http::request::Builder;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::upgrade::Upgraded;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, protocol::Role};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

use super::kept::Web;
use super::post::chain;
use super::record::Record;
use super::secret::Secret;

/// The longest answer that is read.
const ANSWER_MAX: usize = 8 << 20;

/// How long one request may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// A body as it comes in.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A connection on which both sides speak when they like.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// One service at one address. Every method's error is a sentence saying why nothing came back.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    authorization: Option<Secret>,
    service: BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, BoxError>,
    record: Record,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// All of its body.
    pub body: Bytes,
}

impl Http {
    /// The service behind `service`, whose paths begin at `base`. Requests carry `authorization`
    /// (`token T`, `Bearer T`) unless they bring their own, and are told to `record`.
    pub(crate) fn new<S, B>(
        base: &str,
        authorization: Option<Secret>,
        service: S,
        record: Record,
    ) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = service
            .map_response(|answer| answer.map(|body| body.map_err(Into::into).boxed_unsync()))
            .map_err(Into::into);
        Self {
            base: base.trim_end_matches('/').to_owned(),
            authorization,
            service: BoxCloneSyncService::new(service),
            record,
        }
    }

    /// The same; what it answers is kept.
    pub(super) fn kept(self, web: &Web) -> Self {
        let service = web.of(self.service);
        Self { service, ..self }
    }

    /// Where it is, as people write it.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GETs a path, wanting this kind of answer.
    pub async fn get(&self, path: &str, accept: &str) -> Result<Answer, String> {
        let request = Request::get(path).header(header::ACCEPT, accept);
        self.send(request, Bytes::new()).await
    }

    /// Sends a request to its path (with query) and reads all of the answer.
    pub async fn send(&self, request: Builder, body: impl Into<Bytes>) -> Result<Answer, String> {
        let sent = async |request| {
            let (parts, body) = self.call(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await;
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.map_err(|error| chain(&*error))?.to_bytes(),
            })
        };
        let status = |answer: &Answer| answer.status;
        self.recorded(request, body.into(), sent, status).await
    }

    /// Sends a request and hands the answer over as soon as it begins: its body may go on for
    /// minutes.
    pub async fn open(&self, request: Builder) -> Result<Response<Body>, String> {
        let sent = async |request| self.call(request).await;
        let status = |answer: &Response<Body>| answer.status();
        self.recorded(request, Bytes::new(), sent, status).await
    }

    /// Opens a WebSocket at a path; where the service opens none, its status.
    pub async fn socket(&self, path: &str) -> Result<Result<Socket, StatusCode>, String> {
        let key = tungstenite::handshake::client::generate_key();
        let request = Request::get(path)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let answer = self.open(request).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Err(answer.status()));
        }
        let accepted = tungstenite::handshake::derive_accept_key(key.as_bytes());
        if answer.headers().get(header::SEC_WEBSOCKET_ACCEPT) != Some(&header_value(&accepted)?) {
            return Err("what answers is no WebSocket".to_owned());
        }
        let upgraded = hyper::upgrade::on(answer).await;
        let upgraded = TokioIo::new(upgraded.map_err(|error| chain(&error))?);
        Ok(Ok(WebSocketStream::from_raw_socket(
            upgraded,
            Role::Client,
            None,
        )
        .await))
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<Response<Body>, String> {
        let answer = self.service.clone().oneshot(request).await;
        answer.map_err(|error| chain(&*error))
    }

    /// The one way out: addressed, authorized, in time, and told of.
    async fn recorded<T>(
        &self,
        request: Builder,
        body: Bytes,
        sent: impl AsyncFnOnce(Request<Full<Bytes>>) -> Result<T, String>,
        status: impl FnOnce(&T) -> StatusCode,
    ) -> Result<T, String> {
        let wrong = || "its address is not a URL".to_owned();
        let mut request = request.body(Full::new(body)).map_err(|_| wrong())?;
        let path = request.uri().to_string();
        *request.uri_mut() = format!("{}{path}", self.base)
            .parse()
            .map_err(|_| wrong())?;
        if let Some(authorization) = &self.authorization
            && !request.headers().contains_key(header::AUTHORIZATION)
        {
            let mut value = header_value(authorization.expose())
                .map_err(|_| "the token has characters that no token has".to_owned())?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let method = request.method().to_string();
        let timed = async {
            let answer = tokio::time::timeout(ATTEMPT, sent(request)).await;
            answer.unwrap_or_else(|_| Err(format!("no answer within {} s", ATTEMPT.as_secs())))
        };
        let status = |answer: &Result<T, _>| Some(status(answer.as_ref().ok()?).as_u16());
        self.record.request(&method, &path, timed, status).await
    }
}

/// Questions that are sent as POST.
const QUESTIONS: [&str; 3] = [
    "/selfsubjectaccessreviews",
    "/selfsubjectreviews",
    ":testIamPermissions",
];

/// Whether a request, of any of the services, only asks.
pub(crate) fn asks(method: &Method, path: &str) -> bool {
    match *method {
        Method::GET | Method::HEAD => !path.ends_with("/exec"),
        Method::POST => QUESTIONS.iter().any(|question| path.ends_with(question)),
        _ => false,
    }
}

/// A text as part of an address: all but letters, digits, `-_.~` and what is `kept` is written as
/// its bytes.
pub(crate) fn percent_encoded(text: &str, kept: &str) -> String {
    let plain =
        |b: &u8| b.is_ascii_alphanumeric() || b"-_.~".contains(b) || kept.as_bytes().contains(b);
    let part = text.bytes().map(|b| match b {
        b if plain(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    });
    part.collect()
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|error| error.to_string())
}

/// A client over sockets, with this machine's certificates.
///
/// # Errors
/// A sentence, when they cannot be read.
pub(crate) fn client<B>() -> Result<Client<HttpsConnector<HttpConnector>, B>, String>
where
    B: hyper::body::Body<Data = Bytes> + Send,
{
    let provider = rustls::crypto::ring::default_provider();
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(|error| format!("this machine's certificates cannot be read: {error}"))?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_questions_ask() {
        let asked = |method: &str, path: &str| asks(&method.parse().unwrap(), path);
        assert!(asked("GET", "/api/v1/pods"));
        assert!(asked("HEAD", "/v2/a/b/manifests/1"));
        assert!(asked(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        ));
        assert!(asked("POST", "/v1/projects/p:testIamPermissions"));
        assert!(!asked("GET", "/api/v1/namespaces/prod/pods/hub/exec"));
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let maps = "/api/v1/namespaces/default/configmaps";
            assert!(!asked(method, maps), "{method}");
        }
    }
}
