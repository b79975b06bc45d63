//! Proposing, on the practice world's GitHub: what is there already is neither doubled nor lost.

use super::*;
use crate::error::Kind;
use crate::names::Repository;
use crate::sim::testing::practised;
use crate::world::World;

const PATH: &str = "clusters/practice/hub.values.yaml";

fn repository() -> Repository {
    "somebody/infrastructure".parse().unwrap()
}

async fn read(world: &World) -> File {
    file(world, &repository(), PATH).await.unwrap()
}

/// The file with a domain more.
fn with(file: &File, domain: &str) -> Proposal {
    let line = format!("              - \"wsrd.ca\"\n              - {domain}\n");
    Proposal {
        text: file.text.replace("              - \"wsrd.ca\"\n", &line),
        branch: "allow-domain/x".to_owned(),
        title: format!("Let people of {domain} log in"),
        body: "Please.".to_owned(),
        message: "Please.".to_owned(),
    }
}

#[test]
fn what_is_proposed_twice_is_proposed_once() {
    practised("quiet", &[], async |world| {
        let file = read(&world).await;
        let proposal = with(&file, "x.ca");
        let first = propose(&world, &file, &proposal).await.unwrap();
        assert!(!first.found);
        let second = propose(&world, &file, &proposal).await.unwrap();
        assert_eq!((second.found, second.pull), (true, first.pull.clone()));
        // A fork, a branch and a pull request.
        assert_eq!(world.changes().len(), 3);
        let pull = adding(&world, &file, "X.CA").await.unwrap().unwrap();
        assert_eq!(pull, first.pull);
        assert_eq!(adding(&world, &file, "y.ca").await.unwrap(), None);
    });
}

#[test]
fn a_branch_with_something_else_in_it_is_left_alone() {
    practised("quiet", &[], async |world| {
        let file = read(&world).await;
        let one = propose(&world, &file, &with(&file, "x.ca")).await.unwrap();
        let other = propose(&world, &file, &with(&file, "y.ca")).await.unwrap();
        assert_ne!(one.pull.number, other.pull.number);
        let changes = world.changes();
        let branches: Vec<&str> = (changes.iter())
            .filter_map(|change| change.what.strip_prefix("branch "))
            .collect();
        let fork = "of practice-ann/infrastructure";
        assert_eq!(
            branches,
            [
                format!("allow-domain/x {fork}"),
                format!("allow-domain/x-2 {fork}")
            ]
        );
    });
}

#[test]
fn nothing_is_proposed_on_a_file_that_somebody_has_changed() {
    practised("quiet", &["edit-raced"], async |world| {
        let file = read(&world).await;
        let error = propose(&world, &file, &with(&file, "x.ca"))
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Raced, "{error}");
        // The fork is there; no branch and no pull request.
        assert_eq!(world.changes().len(), 1);
        let file = read(&world).await;
        assert!(file.text.contains("quicker.ab.ca"));
        assert!(propose(&world, &file, &with(&file, "x.ca")).await.is_ok());
    });
}

#[test]
fn a_pull_request_stands_as_its_checks_and_its_reviewers_have_it() {
    practised("quiet", &[], async |world| {
        let file = read(&world).await;
        let proposed = propose(&world, &file, &with(&file, "x.ca")).await.unwrap();
        let number = proposed.pull.number;
        let now = standing(&world, &repository(), number).await.unwrap();
        assert_eq!((now.state, now.pending, now.passed), ("open", 2, 0));
        let limit = std::time::Duration::from_mins(10);
        let error = follow(&world, &repository(), number, limit)
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::TimedOut, "{error}");
        let limit = std::time::Duration::from_hours(2);
        let end = follow(&world, &repository(), number, limit).await.unwrap();
        assert_eq!((end.state, end.passed, end.pending), ("merged", 2, 0));
        assert_eq!(end.approved, ["reviewer"]);
        // What was merged is in the file.
        assert!(read(&world).await.text.contains("- x.ca\n"));
        let none = standing(&world, &repository(), 9_999).await.unwrap_err();
        assert_eq!(none.kind, Kind::NotFound);
    });
}

#[test]
fn a_fork_that_has_to_be_made_is_of_that_repository_and_no_other() {
    practised("quiet", &["fork-name-taken"], async |world| {
        let file = read(&world).await;
        let error = propose(&world, &file, &with(&file, "x.ca"))
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Refused, "{error}");
        assert!(world.changes().is_empty());
    });
}
