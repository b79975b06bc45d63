//! Properties, methods, and what must not be changed.

use super::{each, sound};

#[test]
fn a_handle_has_its_properties_and_methods_only() {
    each(&[
        (
            "let p = gke::pool(\"x\");\nlet q = p;\nq.zebra;",
            "3:3 there is no property `zebra` on a Pool; there are: minimum, name, nodes",
        ),
        (
            "gke::pool(\"x\").len();",
            "1:16 there is no method `len` on a Pool; there are: autoscale, grow, raise_limits",
        ),
        (
            "let p = gke::pool(\"x\");\nsay(p[\"nmae\"]);",
            "2:7 there is no property `nmae` on a Pool; did you mean `name`?",
        ),
        (
            "let p = gke::pool(\"x\");\nlet m = #{ a: 1 };\nsay(m[p.nmae]);",
            "3:9 there is no property `nmae` on a Pool; did you mean `name`?",
        ),
    ]);
}

#[test]
fn what_a_method_or_property_gives_is_known() {
    each(&[
        (
            "gke::pool(\"x\").grow(2).fo();",
            "1:24 there is no method `fo` on anything; there are: drain_now, autoscale, grow, raise_limits",
        ),
        (
            "gke::pool(\"x\").name.nodes;",
            "1:21 there is no property `nodes` on a text; only maps and handles have properties",
        ),
    ]);
}

#[test]
fn properties_of_unknown_things_must_exist_somewhere() {
    each(&[
        (
            "for n in k8s::nodes(\"x\") { say(n.cordonned); }",
            "1:34 there is no property `cordonned` on anything; did you mean `cordoned`?",
        ),
        (
            "let w = k8s::warm(\"x\", 1);\nsay(w.nodes[0].nodde);",
            "2:16 there is no property `nodde` on anything; did you mean `node`?",
        ),
        (
            "let w = k8s::warm(\"x\", 1);\nsay(w.zebra);",
            "2:7 there is no property `zebra` on anything; no map or handle has one of this name; a map may: `.get(\"zebra\")`",
        ),
    ]);
    sound(&["let m = #{ a: 1 }; say(`${m.a} ${\"x\".len}`);"]);
}

#[test]
fn handles_can_only_be_read() {
    let suggestion = "it is changed by its methods: autoscale, grow, raise_limits";
    for (target, at) in [("p.minimum", "1:27"), ("p[\"minimum\"]", "1:27")] {
        let text = format!("let p = gke::pool(\"x\"); {target} = 3;");
        let wanted = format!("{at} `minimum` of a Pool can only be read; {suggestion}");
        each(&[(&text, &wanted)]);
    }
}

#[test]
fn constants_are_not_changed() {
    let fact = "is a constant and cannot be changed; use a new variable: `let wanted = ...;`";
    for (text, at) in [
        ("const n = [1]; n[0] = 2;", "1:16"),
        ("const n = 1; fn f() { global::n = 2; }", "1:23"),
        ("const n = 1; let f = || { n = 2; };", "1:27"),
    ] {
        each(&[(text, &format!("{at} `n` {fact}"))]);
    }
    each(&[
        (
            "const n = param::text(\"x\");\nn.trim();",
            "2:3 `trim` would change `n`, which is a constant; copy it first: `let copy = n; copy.trim(...);`",
        ),
        (
            "const l = [1];\nl.push(2);",
            "2:3 `push` would change `l`, which is a constant; copy it first: `let copy = l; copy.push(...);`",
        ),
    ]);
}

#[test]
fn no_parameter_takes_a_flag_every_run_has() {
    for name in [
        "on", "yes", "answer", "output", "color", "config", "quiet", "verbose", "seed", "speed",
        "scenario", "fault", "dry_run", "help",
    ] {
        let flag = name.replace('_', "-");
        let wanted =
            format!("every run has an option --{flag} of its own; give `{name}` another name");
        let column = name.len() + 10;
        each(&[
            (
                &format!("const {name} = param::text(\"x\");"),
                &format!("1:{} {wanted}", column + 7),
            ),
            (
                &format!("const {name} = param::arg(\"x\");"),
                &format!("1:{} {wanted}", column + 7),
            ),
        ]);
    }
}
