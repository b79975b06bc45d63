//! A sound script, and the mistakes planted in one.

use super::{each, found, sound};

#[test]
fn a_sound_script_has_no_mistakes() {
    sound(&[r#"//! Warm up the hub before a hackathon.
//!
//! Raises the floor, grows the pool, waits.
import "lib/sizing" as sizing;
const nodes = param::int("Nodes to keep warm, in total", 1..=20);
const users = param::int("People expected", 1..=1000, #{ instead_of: "nodes" });
const pool = param::text("Node pool", "nb-user");
const max = param::int("Upper limit of the autoscaler", 1..=100, 20);
step("Look");
let group = gke::pool(pool);
let wanted = if users == () { nodes } else { sizing::nodes_for(users) };
let now = k8s::look(pool);
if now.warm >= wanted { say(`${now.warm} nodes are warm`); return; }
for node in now.cordoned { if ask::confirm("uncordon", `Uncordon ${node}?`) { k8s::uncordon(node); } }
step("Raise the floor");
try { group.raise_limits(wanted, max); } catch (err) { if err.kind == "quota" { warn(err.message); } throw err; }
let resize = group.grow(wanted);
let warm = k8s::wait_warm(pool, wanted, #{ resize: resize, limit: "45m" });
for proof in warm.nodes { say(`${proof.node}: ${proof.images}`); }
next(`Take it down afterwards`);
"#]);
}

#[test]
fn what_the_language_can_do_is_no_mistake() {
    sound(&[
        "fn up(x) { x + 1 } let l = [1].map(up); say(`${l} ${[2].map(Fn(\"up\"))}`);",
        "let f = |x| x + 1; say(`${f.call(1)}`);",
        "let m = #{ f: |x| x + 1 }; say(`${m.f(1)} ${m.f.call(2)}`);",
        "let m = #{}; m.a = 1; m[\"b\"] = 2; say(`${m.a + m.b} ${m?.a} ${m.get(\"c\") ?? 3}`);",
        "let m = #{ nb: #{ size: 1 } }; let p = gke::pool(\"x\"); say(`${m[p.name].size}`);",
        "const i = 0; let lists = [[]]; lists[i].push(1); lists[i].dedup();",
        "const name = param::text(\"x\", \"a\"); say(name.to_upper()); say(name.sub_string(0, 1));",
        "let x = 1; loop { let y = x; x = \"s\"; if y == \"s\" { say(y); break; } }",
        "let v = 1; { let v = gke::pool(\"x\"); say(v.name); } say(`${v}`);",
        "for (x, i) in k8s::nodes(\"x\") { say(`${i} ${x.name}`); }",
        "if 3 in [1, 2] || 3 !in [1] { say(\"x\"); }",
        "fn f() { this.minimum } let p = gke::pool(\"x\"); say(`${p.f()} ${p.to_string()}`);",
        "const p = gke::pool(\"x\"); p.grow(1); grow(p, 2); \"a\".say();",
        "let x = (); x = 5; say(`${x}`); let c = 'c'; say(c);",
        "fn g() { s::nodes_for(1) } import \"lib/sizing\" as s; [1].map(|x| s::nodes_for(x) + g());",
        "import \"lib/shared\" as s; say(`${s::MOST + s::first + s::f()}`);",
        "const n = 1; fn f() { global::n } fn g(o) { o.limit } say(`${f() + g(#{ limit: 1 })}`);",
    ]);
}

#[test]
fn each_planted_mistake_is_found() {
    each(&[
        (
            "let p = gke::pool(\"x\");\np.autoscal(1, 2);",
            "2:3 there is no method `autoscal` on a Pool; did you mean `autoscale`?",
        ),
        (
            "autoscal(1);",
            "1:1 there is no function `autoscal`; there is Pool.autoscale(minimum: int, maximum: int) -> bool",
        ),
        (
            "let p = gke::pool(\"x\");\np.autoscale(1);",
            "2:3 `Pool.autoscale` takes 2 arguments, 1 given; it is Pool.autoscale(minimum: int, maximum: int) -> bool",
        ),
        (
            "let x = k8s::nods(\"x\");",
            "1:14 there is no function `k8s::nods`; did you mean `nodes`?",
        ),
        (
            "gke::pool(7);",
            "1:11 `gke::pool`, `name` wants text, got an int; it is gke::pool(name: text) -> Pool",
        ),
        (
            "  gk::pool(\"x\");",
            "1:3 there is no module `gk`; did you mean `gke`?",
        ),
        (
            "fn helper(a, b) { a + b }\nhelper(1);",
            "2:1 `helper` takes 2 arguments, 1 given; it is helper(a, b)",
        ),
        (
            "let p = gke::pool(\"x\");\nsay(`${p.ndoes}`);",
            "2:10 there is no property `ndoes` on a Pool; did you mean `nodes`?",
        ),
        (
            "eval(\"1\");",
            "1:1 `eval` is not allowed in a runbook; write the code out",
        ),
    ]);
}

#[test]
fn mistakes_are_found_wherever_they_hide() {
    for (text, at) in [
        ("if false { sya(\"x\"); }", "1:12"),
        ("switch 1 { 1 => sya(\"x\"), _ => () }", "1:17"),
        ("switch 1 { 1..3 => (), _ => sya(\"x\") }", "1:29"),
        ("[1].for_each(|| sya(\"x\"));", "1:17"),
        ("let a = `x ${sya(1)}`;", "1:14"),
        ("let a = loop { break sya(1); };", "1:22"),
        ("fn f() { return sya(1); }", "1:17"),
        ("say(`é`); sya(1);", "1:11"),
    ] {
        let wanted = format!("{at} there is no function `sya`; did you mean `say`?");
        assert_eq!(found(text), [wanted], "{text}");
    }
}
