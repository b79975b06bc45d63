use super::stub::{Gke, POOL, autoscaling};
use crate::error::Kind;
use crate::gke::{Limits, cluster, pool};

#[tokio::test(start_paused = true)]
async fn a_cluster_names_its_pools() {
    let (_, world, _) = Gke::new();
    let found = cluster(&world).await.unwrap();
    assert_eq!(found.pools, ["core", "nb-user"]);
    assert_eq!(found.version, "1.33.4");
}

#[tokio::test(start_paused = true)]
async fn limits_are_told_in_totals() {
    let (gke, world, _) = Gke::new();
    gke.spread();
    gke.state().pool.autoscaling = Some(autoscaling(1, 5));
    let found = pool(&world, POOL).await.unwrap();
    assert_eq!(found.limits, Limits::PerZone { min: 1, max: 5 });
    assert_eq!((found.minimum(), found.maximum()), (3, 15));
    assert!(found.autoscaling);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_pool_names_the_ones_there_are() {
    let (_, world, _) = Gke::new();
    let error = pool(&world, "nb-usr").await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert_eq!(
        error.message,
        "node pool nb-usr does not exist in cluster callysto-cluster"
    );
    assert_eq!(
        error.hint.unwrap(),
        "Did you mean nb-user? It has: core, nb-user."
    );
}
