//! Runbooks that only look: pods and nodes, as the operator sees them.

use insta::assert_snapshot;

use crate::program::{Place, Ran, rehearsed};

fn rehearse(line: &str) -> Ran {
    Place::empty().run(&format!("rehearse {line} --speed max"))
}

#[test]
fn pods_are_grouped_by_whose_they_are() {
    rehearsed!("pods", "pods --scenario users --top 3", 0);
}

#[test]
fn everything_can_be_shown() {
    rehearsed!(
        "pods_all",
        "pods --scenario users --all-namespaces --all --services --namespaces",
        0
    );
}

#[test]
fn what_cannot_be_looked_at_is_said_with_the_next_step() {
    assert_snapshot!(
        "pods_no_namespace",
        rehearse("pods --namespace prdo").whole()
    );
    assert_snapshot!(
        "pods_both",
        rehearse("pods --namespace prod --all-namespaces").whole()
    );
}

#[test]
fn nodes_are_shown_with_what_the_autoscaler_says() {
    assert_snapshot!("nodes", rehearse("nodes --scenario users").whole());
    assert_snapshot!(
        "nodes_cordoned",
        rehearse("nodes --scenario cordoned").whole()
    );
}

#[test]
fn a_table_is_one_event_for_programs() {
    let ran = rehearse("nodes --output json");
    let tables: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &serde_json::Value| event["event"] == "table")
        .collect();
    assert_eq!(tables.len(), 2, "{}", ran.out);
    assert_eq!(tables[0]["columns"][0]["name"], "POOL");
    assert_eq!(tables[0]["rows"][0][0]["text"], "nb-core");
}

#[test]
fn a_script_makes_tables_of_its_own() {
    let place = Place::empty();
    place.write(
        "runbooks/mine.rhai",
        "//! Mine.\ntable(\"Schools\", [\"NAME\", \">PEOPLE\"], [[\"a\", 12], [#{ text: \"b\", tone: \"alarm\" }, ()]], \"2 schools\");\n",
    );
    let ran = place.run("rehearse mine");
    assert!(
        ran.out
            .contains("Schools\nNAME  PEOPLE\na         12\nb\n2 schools\n"),
        "{}",
        ran.whole()
    );
    for (wrong, says) in [
        ("[[\"a\"]]", "a row of the table is not a list of 2 cells"),
        (
            "[[\"a\", #{ text: \"b\", tone: \"red\" }]]",
            "the tone of the cell `b` is not known",
        ),
    ] {
        let script = format!("//! Mine.\ntable(\"T\", [\"A\", \"B\"], {wrong});\n");
        place.write("runbooks/mine.rhai", &script);
        let ran = place.run("rehearse mine");
        assert_eq!(ran.exit, 1);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}

#[test]
fn pods_that_change_are_told_line_by_line_until_the_limit() {
    rehearsed!("pods_live", "pods --live --limit 10m --scenario users", 0);
    let ran = rehearse("pods --live --limit 30s --output json");
    let news: Vec<serde_json::Value> = (ran.out.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &serde_json::Value| event["event"] == "pods")
        .collect();
    assert_eq!(news[0]["news"], "began");
    assert_eq!(news[1]["put"][0]["namespace"], "prod");
    assert_eq!(news.last().unwrap()["news"], "ended");
}

#[test]
fn an_expired_token_or_a_busy_server_costs_no_row() {
    let rows = |fault: &str| {
        let ran = rehearse(&format!("pods --live --limit 10m --scenario users {fault}"));
        assert_eq!(ran.exit, 0, "{}", ran.whole());
        let times = |line: &str| line.split_once(' ').map(|(_, rest)| rest.to_owned());
        ran.out.lines().filter_map(times).collect::<Vec<_>>()
    };
    let expected = rows("");
    assert_eq!(rows("--fault expired-token"), expected);
    assert_eq!(rows("--fault rate-limited"), expected);
}

#[test]
fn a_namespace_that_is_not_there_is_not_watched() {
    rehearsed!(
        "pods_live_no_namespace",
        "pods --live --namespace stagin",
        1
    );
}
