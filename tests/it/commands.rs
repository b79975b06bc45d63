//! The command line, with right and wrong input.

use insta::assert_snapshot;

use crate::program::Place;

fn whole(line: &str) -> String {
    Place::empty().run(line).whole()
}

#[test]
fn help_tells_the_parameters() {
    assert_snapshot!("help", whole("run warm_up --help"));
}

#[test]
fn wrong_values_exit_2_and_name_the_line() {
    assert_snapshot!("nodes_two", whole("run warm_up --nodes two"));
    assert_snapshot!("nodes_99", whole("run warm_up --nodes 99"));
    assert_snapshot!("unknown_flag", whole("run warm_up --node 2"));
    assert_snapshot!("both", whole("run warm_up --nodes 2 --users 100"));
    for line in [
        "run warm_up --nodes two",
        "run warm_up --nodes 99",
        "run warm_up --node 2",
    ] {
        assert_eq!(Place::empty().run(line).exit, 2, "{line}");
    }
}

#[test]
fn a_missing_parameter_without_a_terminal_exits_2_and_names_the_flags() {
    let ran = Place::empty().run("run warm_up");
    assert_eq!(ran.exit, 2);
    assert_snapshot!("missing", ran.whole());
}

#[test]
fn an_unknown_runbook_is_corrected() {
    let ran = Place::empty().run("run warmup --nodes 2");
    assert_eq!(ran.exit, 2);
    assert_snapshot!("unknown_runbook", ran.whole());
}

#[test]
fn list_and_show_tell_what_there_is() {
    assert_snapshot!("list", whole("list"));
    assert_snapshot!("show", whole("show warm_up"));
}

#[test]
fn the_built_in_runbooks_are_sound() {
    let ran = Place::empty().run("check");
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let checked = ["nodes", "pods", "warm_up"];
    let lines = checked.map(|name| format!("{name}: ok (built in: {name}.rhai)\n"));
    assert_eq!(ran.out, lines.concat());
}

#[test]
fn a_runbook_in_the_folder_wins_and_edits_take_effect_at_once() {
    let place = Place::empty();
    place.write("runbooks/warm_up.rhai", "//! Mine.\nsay(\"first\");");
    assert!(place.run("list").out.contains("Mine."));
    assert!(place.run("rehearse warm_up").out.contains("first"));
    place.write("runbooks/warm_up.rhai", "//! Mine.\nsay(\"second\");");
    assert!(place.run("rehearse warm_up").out.contains("second"));
}

#[test]
fn a_mistake_is_found_before_the_run_and_by_check() {
    let place = Place::empty();
    place.write(
        "runbooks/bad.rhai",
        "//! Bad.\nlet p = gke::pol(\"nb-user\");\nsya(\"x\");\n",
    );
    let ran = place.run("run bad");
    assert_eq!(ran.exit, 1);
    assert_snapshot!("mistakes", ran.whole());
    assert_eq!(place.run("check bad").exit, 1);
    assert!(place.journals().is_empty());
}

#[test]
fn a_script_error_shows_the_line_and_the_chain_into_the_library() {
    let place = Place::empty();
    place.write(
        "runbooks/lib/pools.rhai",
        "fn widen(pool, n) {\n    gke::pool(pool).grow(n)\n}\n",
    );
    place.write(
        "runbooks/deep.rhai",
        "//! Deep.\nimport \"lib/pools\" as pools;\nfn all(n) {\n    pools::widen(\"nb-usr\", n);\n}\nall(2);\n",
    );
    let ran = place.run("rehearse deep");
    assert_eq!(ran.exit, 1);
    assert_snapshot!("chain", ran.whole());
}

#[test]
fn a_script_may_catch_what_is_not_a_person() {
    let place = Place::empty();
    place.write(
        "runbooks/careful.rhai",
        "//! Careful.\ntry { gke::pool(\"nope\"); } catch (e) { say(`${e.kind}: ${e.message}`); }\n",
    );
    let ran = place.run("rehearse careful");
    assert_eq!(ran.exit, 0);
    assert!(ran.out.contains("not-found: "), "{}", ran.out);
}

#[test]
fn a_question_nobody_can_answer_exits_3_and_names_the_flag() {
    let place = Place::empty();
    place.write(
        "runbooks/ask.rhai",
        "//! Asks.\nsay(ask::text(\"name\", \"What is it called?\"));\n",
    );
    let ran = place.run("rehearse ask");
    assert_eq!(ran.exit, 3);
    assert!(ran.err.contains("--answer name=TEXT"), "{}", ran.err);
    assert!(
        place
            .run("rehearse ask --answer name=it")
            .out
            .contains("it")
    );
}

#[test]
fn every_kind_of_parameter_arrives_with_its_type() {
    let place = Place::empty();
    place.write(
        "runbooks/kinds.rhai",
        "//! Kinds.\nconst who = param::arg(\"Who\");\nconst n = param::int(\"N\", 1);\nconst loud = param::flag(\"Loud\");\n\
         const how = param::choice(\"How\", [\"fast\", \"slow\"], \"slow\");\nconst t = param::duration(\"T\", \"25m\");\n\
         say(`${who} ${n + 1} ${loud} ${how} ${t}`);\n",
    );
    assert!(
        place
            .run("rehearse kinds bob")
            .out
            .contains("bob 2 false slow 1500")
    );
    let ran = place.run("rehearse kinds bob --n 4 --loud");
    assert!(ran.out.contains("bob 5 true slow 1500"), "{}", ran.whole());
    let ran = place.run("rehearse kinds bob --n 4 --lou");
    assert_eq!(ran.exit, 2);
    let ran = place.run("rehearse kinds");
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("WHO"), "{}", ran.err);
}

#[test]
fn the_practice_world_goes_on_until_it_is_reset() {
    let place = Place::empty();
    let first = place.run("run warm_up --nodes 2 --speed max");
    assert_eq!(first.exit, 0, "{}", first.whole());
    assert!(first.out.contains("practice"), "{}", first.out);
    let second = place.run("run warm_up --nodes 2 --speed max");
    assert!(second.out.contains("Already warm"), "{}", second.out);
    assert_eq!(place.run("world reset").exit, 0);
    assert!(
        !place
            .run("run warm_up --nodes 2 --speed max")
            .out
            .contains("Already warm")
    );
    assert_eq!(place.journals().len(), 3);
}

#[test]
fn completions_know_the_parameters() {
    let ran = Place::empty().run("completions bash");
    assert_eq!(ran.exit, 0);
    assert!(ran.out.contains("--users") && ran.out.contains("warm_up"));
}

#[test]
fn a_configuration_mistake_is_pointed_at() {
    let place = Place::empty();
    place.write("runbook.toml", "[target.a]\nprojct = \"p\"\n");
    let ran = place.run("list");
    assert_eq!(ran.exit, 2);
    assert_snapshot!("configuration", ran.whole());
}

#[test]
fn a_full_or_forbidden_state_folder_stops_before_anything_happens() {
    let place = Place::empty();
    place.write("state", "a file where the folder should be");
    let ran = place.run("rehearse warm_up --nodes 2");
    assert_eq!(ran.exit, 1);
    assert!(
        ran.err.contains("never done without its journal"),
        "{}",
        ran.err
    );
}

#[test]
fn nothing_that_is_named_practice_twice_or_unknown_is_run() {
    let ran = Place::empty().run("run warm_up --nodes 2 --on callysto");
    assert_eq!(ran.exit, 2);
    assert!(
        ran.err.contains("there is no target `callysto`"),
        "{}",
        ran.err
    );
}

#[test]
fn a_configuration_nobody_trusted_is_refused_for_a_live_run() {
    let place = Place::empty();
    let target = "[target.a]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\n";
    place.write("runbook.toml", target);
    let ran = place.run("run warm_up --nodes 2 --on a --yes");
    assert_eq!(ran.exit, 5);
    assert!(ran.err.contains("runbook trust"), "{}", ran.err);
    assert_eq!(place.run("run warm_up --nodes 2 --speed max").exit, 0);
    assert_eq!(place.run("trust").exit, 0);
    // Trusted: now it is the missing credentials that stop it.
    assert_eq!(place.run("run warm_up --nodes 2 --on a --yes").exit, 1);
    place.write("runbook.toml", &format!("{target}# changed\n"));
    assert_eq!(place.run("run warm_up --nodes 2 --on a --yes").exit, 5);
}
