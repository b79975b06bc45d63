//! GKE's wire: its REST paths and JSON, before the very answers that its client gets in process.
//!
//! Enumerations are written by name, as Google does; the client's own library writes numbers.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use google_cloud_container_v1::model;
use google_cloud_container_v1::stub::ClusterManager as _;
use google_cloud_gax::error::Error;
use google_cloud_gax::options::RequestOptions;
use google_cloud_gax::response::Response as Answer;
use http::{Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::sim::handle::Sim;
use crate::sim::refusals;
use crate::sim::state::State as World;

/// The longest request.
const BODY_MAX: usize = 1 << 20;

/// The API, and where the cluster it tells of is reached.
#[derive(Clone)]
struct Gke {
    sim: Sim,
    endpoint: String,
    authority: String,
}

/// GKE, telling that its cluster is at `endpoint`, vouched for by `authority`.
pub(super) fn router(sim: Sim, endpoint: SocketAddr, authority: &str) -> Router {
    let gke = Gke {
        sim,
        endpoint: endpoint.to_string(),
        authority: authority.to_owned(),
    };
    Router::new().fallback(serve).with_state(gke)
}

async fn serve(State(gke): State<Gke>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return refused(&refusals::unauthenticated());
    }
    let answer = Box::pin(gke.answer(&parts.method, parts.uri.path(), &body)).await;
    answer.map_or_else(
        |error| refused(&error),
        |answer| axum::Json(answer).into_response(),
    )
}

fn refused(error: &Error) -> Response {
    let code = error.http_status_code().unwrap_or(500);
    let status = error.status().cloned().unwrap_or_default();
    let body = json!({ "error": { "code": code, "message": status.message,
        "status": status.code.name(), "details": status.details } });
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (code, axum::Json(body)).into_response();
    let pause = error
        .http_headers()
        .and_then(|headers| headers.get(header::RETRY_AFTER));
    if let Some(pause) = pause {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, pause.clone());
    }
    response
}

impl Gke {
    async fn answer(&self, method: &Method, path: &str, body: &Bytes) -> Result<Value, Error> {
        let asked = path.strip_prefix("/v1/").unwrap_or(path);
        let (name, verb) = asked.split_once(':').unwrap_or((asked, ""));
        let (parent, end) = name.rsplit_once('/').unwrap_or_default();
        // Collections and what is in them take turns.
        let (kind, one) = match name.split('/').count() % 2 {
            0 => (parent.rsplit('/').next().unwrap_or_default(), true),
            _ => (end, false),
        };
        let whose = if one {
            ("name", name)
        } else {
            ("parent", parent)
        };
        let (sim, options) = (&self.sim, RequestOptions::default());
        let told = match (method.as_str(), kind, one, verb) {
            ("GET", "clusters", false, "") => {
                let list = told(sim.list_clusters(read(body, whose)?, options).await?);
                let clusters = list.clusters.iter().map(|cluster| self.cluster(cluster));
                json!({ "clusters": clusters.collect::<Vec<_>>() })
            }
            ("GET", "clusters", true, "") => {
                let cluster = sim.get_cluster(read(body, whose)?, options).await?;
                self.cluster(&told(cluster))
            }
            ("PUT", "clusters", true, "") => {
                let begun = Box::pin(sim.update_cluster(read(body, whose)?, options)).await?;
                operation(&told(begun))
            }
            ("GET", "nodePools", false, "") => {
                let list = told(sim.list_node_pools(read(body, whose)?, options).await?);
                json!({ "nodePools": list.node_pools.iter().map(pool).collect::<Vec<_>>() })
            }
            ("GET", "nodePools", true, "") => {
                pool(&told(sim.get_node_pool(read(body, whose)?, options).await?))
            }
            ("POST", "nodePools", true, "setAutoscaling") => {
                let request = read(body, whose)?;
                let begun = sim.set_node_pool_autoscaling(request, options).await?;
                operation(&told(begun))
            }
            ("POST", "nodePools", true, "setSize") => {
                let begun = sim.set_node_pool_size(read(body, whose)?, options).await?;
                operation(&told(begun))
            }
            ("GET", "operations", false, "") => {
                let list = told(sim.list_operations(read(body, whose)?, options).await?);
                json!({ "operations": list.operations.iter().map(operation).collect::<Vec<_>>() })
            }
            ("GET", "operations", true, "") => {
                let found = sim.get_operation(read(body, whose)?, options).await?;
                operation(&told(found))
            }
            ("POST", "operations", true, "cancel") => {
                sim.cancel_operation(read(body, whose)?, options).await?;
                json!({})
            }
            _ => return Err(refusals::unimplemented(&format!("{method} {path}"))),
        };
        Ok(told)
    }

    /// A cluster, where it is reached here.
    fn cluster(&self, cluster: &model::Cluster) -> Value {
        let mut told = fields(cluster);
        spell(&mut told, "status", cluster.status.name());
        // Its oldest fields, which gcloud goes by.
        told.insert("zone".to_owned(), cluster.location.as_str().into());
        let version = cluster.current_master_version.as_str();
        told.insert("currentNodeVersion".to_owned(), version.into());
        let machines = self.sim.peek(World::machines);
        told.insert("currentNodeCount".to_owned(), machines.into());
        let pools: Vec<Value> = cluster.node_pools.iter().map(pool).collect();
        told.insert("nodePools".to_owned(), pools.into());
        told.insert("endpoint".to_owned(), self.endpoint.as_str().into());
        let authority = json!({ "clusterCaCertificate": self.authority });
        told.insert("masterAuth".to_owned(), authority);
        let endpoints = json!({ "ipEndpointsConfig": { "enabled": true,
            "publicEndpoint": self.endpoint, "privateEndpoint": self.endpoint } });
        told.insert("controlPlaneEndpointsConfig".to_owned(), endpoints);
        told.into()
    }
}

/// A request: its body, and from its path whose it is.
fn read<T: DeserializeOwned>(body: &[u8], (key, name): (&str, &str)) -> Result<T, Error> {
    let wrong =
        |why: serde_json::Error| refusals::invalid(format!("Invalid JSON payload received. {why}"));
    let body = if body.is_empty() { b"{}" } else { body };
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
    fields.insert(key.to_owned(), name.into());
    serde_json::from_value(fields.into()).map_err(wrong)
}

fn told<T>(answer: Answer<T>) -> T {
    answer.into_parts().1
}

fn fields(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Writes an enumeration by its name, unless nothing is said by it.
fn spell(fields: &mut Map<String, Value>, key: &str, name: Option<&str>) {
    match name.filter(|name| !name.ends_with("_UNSPECIFIED")) {
        Some(name) => fields.insert(key.to_owned(), name.into()),
        None => fields.remove(key),
    };
}

fn operation(operation: &model::Operation) -> Value {
    let mut told = fields(operation);
    spell(&mut told, "status", operation.status.name());
    spell(&mut told, "operationType", operation.operation_type.name());
    // Its older name, which gcloud's tables show.
    told.insert("zone".to_owned(), operation.location.as_str().into());
    told.into()
}

fn pool(pool: &model::NodePool) -> Value {
    let mut told = fields(pool);
    spell(&mut told, "status", pool.status.name());
    if let Some(limits) = &pool.autoscaling {
        let mut of_limits = fields(limits);
        spell(
            &mut of_limits,
            "locationPolicy",
            limits.location_policy.name(),
        );
        told.insert("autoscaling".to_owned(), of_limits.into());
    }
    let conditions = pool.conditions.iter().map(|condition| {
        let mut told = fields(condition);
        spell(&mut told, "canonicalCode", condition.canonical_code.name());
        Value::from(told)
    });
    let conditions: Vec<Value> = conditions.collect();
    if !conditions.is_empty() {
        told.insert("conditions".to_owned(), conditions.into());
    }
    told.into()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;
    use crate::event::Events;
    use crate::sim::{Fault, Practice, Setup};

    const CLUSTER: &str =
        "/v1/projects/practice/locations/northamerica-northeast1/clusters/callysto-cluster";

    /// What a world in which these things go wrong says to each of these requests.
    fn said(faults: &[&str], asked: &[(&str, &str, &str)]) -> Vec<(u16, Value)> {
        let setup = Setup {
            faults: faults.iter().map(|f| Fault::parse(f).unwrap()).collect(),
            ..Setup::default()
        };
        let practice = Practice::fresh(&setup).unwrap();
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            practice.start(Events::new(|_| {}));
            let at = "127.0.0.1:9".parse().unwrap();
            let router = router(practice.0.sim.clone(), at, "PEM");
            let mut said = Vec::new();
            for (method, path, body) in asked {
                let request = Request::builder().method(*method).uri(*path);
                let request = request.header("authorization", "Bearer x");
                let request = request.body(Body::from((*body).to_owned())).unwrap();
                let answer = router.clone().oneshot(request).await.unwrap();
                let status = answer.status().as_u16();
                let body = axum::body::to_bytes(answer.into_body(), BODY_MAX).await;
                said.push((status, serde_json::from_slice(&body.unwrap()).unwrap()));
            }
            said
        })
    }

    #[test]
    fn enumerations_go_out_by_name_and_the_cluster_is_where_it_listens() {
        let pool = format!("{CLUSTER}/nodePools/nb-user");
        let sizing = format!("{pool}:setSize");
        let parent = CLUSTER.split("/clusters").next().unwrap();
        let operations = format!("{parent}/operations");
        let said = said(
            &[],
            &[
                ("GET", CLUSTER, ""),
                ("POST", &sizing, r#"{"nodeCount": 1}"#),
                ("GET", &pool, ""),
                ("GET", &operations, ""),
            ],
        );
        let [cluster, begun, pool, operations] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!(cluster.1["status"], "RUNNING");
        assert_eq!(cluster.1["endpoint"], "127.0.0.1:9");
        assert_eq!(cluster.1["masterAuth"]["clusterCaCertificate"], "PEM");
        assert_eq!(cluster.1["nodePools"][1]["status"], "RUNNING");
        assert_eq!(begun.1["operationType"], "SET_NODE_POOL_SIZE");
        assert_eq!(pool.1["status"], "RECONCILING");
        assert_eq!(pool.1["autoscaling"]["locationPolicy"], "BALANCED");
        assert_eq!(operations.1["operations"][0], begun.1);
    }

    #[test]
    fn a_refusal_is_google_s() {
        let sizing = format!("{CLUSTER}/nodePools/nb-user:setSize");
        let said = said(
            &["busy"],
            &[
                ("POST", &sizing, r#"{"nodeCount": 1}"#),
                ("POST", &sizing, "{"),
                ("GET", "/v1/projects/practice/locations/x/clusters/y", ""),
                ("DELETE", CLUSTER, ""),
            ],
        );
        let told = |error: &Value| error["error"]["status"].as_str().unwrap().to_owned();
        let told: Vec<_> = said
            .iter()
            .map(|(code, body)| (*code, told(body)))
            .collect();
        let wanted = [
            (400, "FAILED_PRECONDITION"),
            (400, "INVALID_ARGUMENT"),
            (404, "NOT_FOUND"),
            (501, "UNIMPLEMENTED"),
        ];
        assert_eq!(told, wanted.map(|(code, status)| (code, status.to_owned())));
        let details = said[0].1["error"]["details"].as_array().unwrap();
        let kinds: Vec<&Value> = details.iter().map(|detail| &detail["@type"]).collect();
        assert!(kinds.contains(&&json!("type.googleapis.com/google.rpc.ErrorInfo")));
    }
}
