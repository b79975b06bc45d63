//! The practice world on this machine's own ports: what other programs talk to as if it were real.
//!
//! Listens on loopback alone, and takes any Google token for a good one. What is behind the ports
//! is what the program's own doors lead to; only GKE's client had no wire so far ([`gke`]).

mod gke;
mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::handle::pace;
use super::{Error, Fault, Practice, Speed, apiserver, github, hub, iam, registry};
use crate::event::Events;
use crate::world::http::asks;

/// How long nobody is let in when there is no room.
const CROWDED: Duration = Duration::from_millis(100);

/// Where a served world listens, and what opens its doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The GKE API, without TLS as all but Kubernetes; opened by any token.
    pub gke: SocketAddr,
    /// The Kubernetes API, with TLS: GKE tells the authority.
    pub k8s: SocketAddr,
    /// The hub.
    pub hub: SocketAddr,
    /// What opens it.
    pub hub_token: &'static str,
    /// GitHub's API.
    pub github: SocketAddr,
    /// What opens it.
    pub github_token: &'static str,
    /// All registries of images, as one mirror.
    pub registries: SocketAddr,
    /// The Resource Manager's API.
    pub iam: SocketAddr,
}

impl Practice {
    /// Lets the programs of this machine reach the world, at ports from `port` on; at any that are
    /// free, where it is 0. Time passes as on the wall until something is changed, and then at the
    /// world's own speed: what is looked at and what is acted upon are the same. Call it in the place
    /// of [`Practice::start`], and as that is called; ends with the runtime.
    ///
    /// # Errors
    /// When a port is taken, or a fault of the world is none that can be served.
    pub async fn serve(&self, port: u16, events: Events) -> Result<Served, Error> {
        let sim = || self.0.sim.clone();
        sim().peek(|state| state.faults.iter().try_for_each(Fault::for_others))?;
        self.begin(events);
        let mut street = Street {
            next: port,
            hurried: Arc::default(),
        };
        let (gke, k8s) = (street.door().await?, street.door().await?);
        let (acceptor, authority) = tls::certified().map_err(|why| Error::Port {
            port: k8s.address.port(),
            why: io::Error::other(why),
        })?;
        let cluster = gke::router(sim(), k8s.address, &authority);
        let served = Served {
            gke: gke.open(None, cluster),
            k8s: k8s.open(Some(acceptor), apiserver::router(sim())),
            hub: street.door().await?.open(None, hub::router(sim())),
            hub_token: hub::TOKEN,
            github: street.door().await?.open(None, github::router(sim())),
            github_token: sim().change(|state, at| state.github_token(at)),
            registries: street.door().await?.open(None, registry::router(sim())),
            iam: street.door().await?.open(None, iam::router(sim())),
        };
        let times = match self.0.speed {
            Speed::Max => 1,
            Speed::Times(times) => times,
        };
        let hurried = street.hurried;
        tokio::spawn(pace(move || {
            if hurried.load(Ordering::Relaxed) {
                times
            } else {
                1
            }
        }));
        Ok(served)
    }
}

/// Where the doors stand, side by side.
struct Street {
    /// The port of the next one; 0 is any that is free.
    next: u16,
    /// Whether somebody has tried to change something.
    hurried: Arc<AtomicBool>,
}

/// A port that nobody answers at yet.
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    hurried: Arc<AtomicBool>,
}

impl Street {
    async fn door(&mut self) -> Result<Door, Error> {
        let port = self.next;
        let failed = |why| Error::Port { port, why };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(failed)?;
        if port > 0 {
            self.next = port.saturating_add(1);
        }
        Ok(Door {
            address: listener.local_addr().map_err(failed)?,
            listener,
            hurried: Arc::clone(&self.hurried),
        })
    }
}

impl Door {
    /// From now on this answers, and over TLS where there is somebody who vouches for it.
    fn open(self, acceptor: Option<TlsAcceptor>, router: Router) -> SocketAddr {
        let Self {
            listener,
            address,
            hurried,
        } = self;
        let router = router.layer(from_fn(move |request: Request, next: Next| {
            if !asks(request.method(), request.uri().path()) {
                hurried.store(true, Ordering::Relaxed);
            }
            next.run(request)
        }));
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(meet(stream, acceptor.clone(), router.clone()));
                    }
                    // Too many are there; some will go.
                    Err(_) => tokio::time::sleep(CROWDED).await,
                }
            }
        });
        address
    }
}

/// One connection, until it ends.
async fn meet(stream: TcpStream, acceptor: Option<TlsAcceptor>, router: Router) {
    stream.set_nodelay(true).ok();
    match acceptor {
        None => talk(stream, router).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(stream, router).await;
            }
        }
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    // A client that hangs up is its own affair.
    connection.await.ok();
}
