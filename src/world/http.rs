//! The door to a service that speaks plain HTTP: one service type, live or practice.
//!
//! Redirects are never followed: where one would lead, a token must not go.

use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

use super::post::chain;
use super::record::Record;
use super::secret::Secret;

/// The longest answer that is read.
const ANSWER_MAX: usize = 8 << 20;

/// How long one request may take.
const ATTEMPT: Duration = Duration::from_secs(30);

type Body = UnsyncBoxBody<Bytes, BoxError>;

/// One service at one address.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    token: Option<Secret>,
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
    /// The service behind `service`, whose paths begin at `base`; requests carry
    /// `Authorization: token TOKEN`, as a hub wants it, and are told to `record`.
    pub(crate) fn new<S, B>(base: &str, token: Option<Secret>, service: S, record: Record) -> Self
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
            token,
            service: BoxCloneSyncService::new(service),
            record,
        }
    }

    /// Where it is, as people write it.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GETs a path, wanting this kind of answer.
    ///
    /// # Errors
    /// A sentence saying why nothing came back.
    pub async fn get(&self, path: &str, accept: &str) -> Result<Answer, String> {
        let mut request = Request::get(format!("{}{path}", self.base));
        request = request.header(header::ACCEPT, accept);
        if let Some(token) = &self.token {
            let mut value = http::HeaderValue::from_str(&format!("token {}", token.expose()))
                .map_err(|_| "the token has characters that no token has".to_owned())?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request
            .body(Full::default())
            .map_err(|_| "its address is not a URL".to_owned())?;
        let sent = async {
            let answer = self.service.clone().oneshot(request).await;
            let (parts, body) = answer.map_err(|error| chain(&*error))?.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await;
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.map_err(|error| chain(&*error))?.to_bytes(),
            })
        };
        let timed = async {
            let answer = tokio::time::timeout(ATTEMPT, sent).await;
            answer.unwrap_or_else(|_| Err(format!("no answer within {} s", ATTEMPT.as_secs())))
        };
        let status = |answer: &Result<Answer, _>| Some(answer.as_ref().ok()?.status.as_u16());
        self.record.request("GET", path, timed, status).await
    }
}

/// A client over sockets, with this machine's certificates.
///
/// # Errors
/// A sentence, when they cannot be read.
pub(crate) fn client() -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, String> {
    let provider = rustls::crypto::ring::default_provider();
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(|error| format!("this machine's certificates cannot be read: {error}"))?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}
