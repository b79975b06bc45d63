//! What `check` says of a script holds when the script is run: a sound one runs through, a mistake
//! it finds would have ended the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use runbook::api;
use runbook::error::Kind;
use runbook::event::{Events, Finished};
use runbook::run::{self, Company, Locking, Opening, Place as Where, Request};
use runbook::runbook::check::check;
use runbook::runbook::library::Library;
use runbook::runbook::script::Script;
use runbook::sim;
use runbook::ui::{Flags, Options, Output, Ui};
use runbook::world::Stop;

use crate::program::Place;

/// A library every script here may import.
const LIBRARY: &str = "const MOST = 20;\nexport const LEAST = 2;\nfn most() { global::MOST }\n\
    fn twice(n) { hidden(n) }\nprivate fn hidden(n) { n * 2 }\n";

/// What `check` finds in a script, and how it ends in the warm practice world, checked or not.
fn judged(text: &'static str) -> (Vec<String>, Finished) {
    let thread = std::thread::Builder::new().stack_size(run::STACK);
    let judge = move || {
        let place = Place::empty();
        place.write("runbooks/x.rhai", text);
        place.write("runbooks/lib/sums.rhai", LIBRARY);
        let library = Library {
            folders: vec![place.path().join("runbooks")],
            built_in: &[],
        };
        let script = Script::read(library.find("x").unwrap()).unwrap();
        let found = check(&script, &api::table());
        let found = found.into_iter().map(|finding| finding.message).collect();
        (found, rehearsed(&place, script))
    };
    thread.spawn(judge).unwrap().join().unwrap()
}

fn rehearsed(place: &Place, script: Script) -> Finished {
    let given = BTreeMap::from([("nodes".to_owned(), 2.into())]);
    let request = Request {
        values: script.with_defaults(&given),
        script,
        place: Where::Fresh(sim::Setup {
            scenario: "warm".to_owned(),
            ..sim::Setup::default()
        }),
        state: place.state(),
        operator: "ann@laptop".to_owned(),
        opening: Opening::New,
        planning: runbook::run::Planning::default(),
        locking: Locking::default(),
    };
    let (screen, _) = Ui::collecting(Options {
        output: Output::Plain,
        color: false,
        quiet: false,
        verbose: 0,
        width: Some(100),
        terminal: false,
        practice: true,
    });
    let company = Company {
        events: Events::new(|_| {}),
        operator: Arc::new(screen.operator(Flags::default())),
        stop: Stop::default(),
        on_secret: Arc::new(|_| {}),
    };
    let finished = run::run(&request, &company).unwrap();
    screen.finish();
    finished
}

const SOUND: &[&str] = &[
    "const nodes = param::int(\"N\", 1..=20); fn f() { global::nodes + 1 } say(`${nodes + f()}`);",
    "let p = gke::pool(\"nb-user\"); if p.minimum.is_even() && p.name.starts_with(\"nb\") { say(p.status); }",
    "for (node, i) in k8s::nodes(\"nb-user\") { say(`${i} ${node.name} ${node.ready}`); }",
    "let w = k8s::warm(\"nb-user\", 2); say(w.nodes[0].node); say(`${w.nodes.map(|n| n.images)}`);",
    "let m = #{ \"nb-user\": #{ size: 2 } }; let p = gke::pool(\"nb-user\"); say(`${m[p.name].size}`);",
    "let p = gke::pool(\"nb-user\"); [2].for_each(|n| p.grow(n)); grow(p, 2);",
    "try { gke::pool(\"nope\"); } catch (e) { if e.kind == \"not-found\" { say(`${e.message} ${e.hint}`); } }",
    "try { throw #{ kind: \"mine\", detail: \"x\" }; } catch (e) { say(e.detail); }",
    "try { throw \"no\"; } catch (e) { say(`${e.len()}`); if e.contains(\"n\") { warn(e); } }",
    "fn up(x) { x + 1 } say(`${[1].map(up)} ${[1].map(Fn(\"up\"))}`);",
    "let f = |x| x + 1; let o = #{ f: f }; say(`${f.call(1)} ${o.f(1)} ${o.f.call(1)}`);",
    "fn f() { this.minimum } fn g(n) { this.grow(n) } let p = gke::pool(\"nb-user\"); say(`${p.f()} ${p.g(2)}`);",
    "import \"lib/sums\" as s; say(`${s::twice(2)} ${s::LEAST} ${s::most()}`);",
    "import \"lib/sums\" as s; fn g() { s::twice(2) } say(`${g()} ${[1].map(|x| s::twice(x))}`);",
    "let a = #{ x: 1 }; a.y = 2; a[\"z\"] = 3; say(`${a.x + a.y + a.z} ${a?.x} ${a.get(\"q\") ?? 3}`);",
    "let a = #{ a: #{ b: 1 } }; a.a.b = 3; a.a.c = 4; say(`${a.a.c} ${a.keys()}`); a.remove(\"a\");",
    "const o = #{}; o.image = \"x\"; say(o.image);",
    "const l = [3, 1]; say(`${l.map(|x| x)} ${l.filter(|x| x > 1)} ${l.reduce(|s, v| s + v, 0)} ${l.contains(3)}`);",
    "let l = [3, 1]; l.push(2); l.sort(); say(`${l.extract(0..2)} ${l.some(|x| x > 2)} ${l.index_of(3)}`);",
    "const t = \"a b\"; say(t.to_upper()); say(t.sub_string(1)); say(`${t.split(\" \").len()} ${t[0]}`);",
    "let x = if true { 1 } else { 2 }; say(switch x { 1 => \"a\", _ => \"b\" }); say(type_of(x));",
    "let i = 0; while i < 3 { i += 1; if i == 2 { continue; } } do { i -= 1; } until i <= 0; say(`${i}`);",
    "let x = loop { break 1; }; x = (); if x == () { say(\"nothing\"); }",
    "let v = 1; { let v = gke::pool(\"nb-user\"); say(v.name); } say(`${v}`);",
    "if 3 in [1, 2] { say(\"x\"); } if 3 !in [1] { say(\"y\"); } say(`${min(1, 2)} ${parse_int(\"3\")}`);",
];

const MISTAKEN: &[&str] = &[
    // Names.
    "say(`${wnated}`);",
    "let n = 1; fn f() { n } say(`${f()}`);",
    "const n = 1; fn f() { n } say(`${f()}`);",
    "let n = 1; fn f() { global::n } say(`${f()}`);",
    "const n = 1; fn f() { global::m } say(`${f()}`);",
    "say(`${gke::MAX}`);",
    "{ import \"lib/sums\" as s; } say(`${s::twice(1)}`);",
    "say(`${s::twice(1)}`); import \"lib/sums\" as s;",
    "import \"lib/sums\" as s; s::hidden(1);",
    "import \"lib/sums\" as s; say(`${s::MOST}`);",
    "import \"lib/nothing\" as s; say(\"x\");",
    // Calls.
    "sya(\"x\");",
    "gke::pol(\"nb-user\");",
    "gek::pool(\"nb-user\");",
    "let x = loop { break gke::pol(1); };",
    "[1].for_each(|x| sya(x));",
    "let e = Fn(\"sya\"); e.call(\"1\");",
    "let f = |x| x + 1; say(`${f(1)}`);",
    "say(\"a\", \"b\");",
    "fn helper(a, b) { a + b } helper(1);",
    "gke::pool(7);",
    "gke::pool(1..=3);",
    "gke::pool([1]);",
    "gke::pool(());",
    "gke::pool(\"nb-user\").grow(\"2\");",
    "grow(gke::pool(\"nb-user\"), 2, 3);",
    "let p = gke::pool(\"nb-user\"); [1].for_each(|x| p.grow(\"x\"));",
    "for p in [gke::pool(\"nb-user\")] { p.grow(\"x\"); }",
    // Members.
    "let p = gke::pool(\"nb-user\"); say(`${p.ndoes}`);",
    "let p = gke::pool(\"nb-user\"); let q = p; say(q.nmae);",
    "let p = gke::pool(\"nb-user\"); say(p[\"nmae\"]);",
    "let p = gke::pool(\"nb-user\"); p.autoscal(1, 2);",
    "let p = gke::pool(\"nb-user\"); p.minimum = 3;",
    "fn f(p) { p.ndoes } f(gke::pool(\"nb-user\"));",
    "let l = k8s::nodes(\"nb-user\"); say(l[0].nmae);",
    "let w = k8s::warm(\"nb-user\", 2); say(w.nodes[0].nodde);",
    "let a = \"x\"; say(`${a.lenn}`);",
    "let x = 5; x.foo = 3;",
    // Constants.
    "const l = [1]; l[0] = 2;",
    // Not for runbooks.
    "sleep(1);",
    "let e = Fn(\"eval\"); e.call(\"1\");",
    // Catches.
    "fn f() { try { gke::pool(\"nope\") } catch { 2 } } let x = f() + 1;",
    "try { gke::pool(\"nope\"); } catch (e) { say(e.mesage); }",
];

#[test]
fn a_script_without_findings_runs_through() {
    for text in SOUND {
        let (found, finished) = judged(text);
        assert_eq!((found, finished.error), (Vec::new(), None), "{text}");
    }
}

#[test]
fn a_mistake_that_is_found_would_have_ended_the_run() {
    for text in MISTAKEN {
        let (found, finished) = judged(text);
        assert!(!found.is_empty(), "nothing found: {text}");
        let kind = finished.error.map(|error| error.kind);
        assert_eq!(kind, Some(Kind::Script), "{found:?} in {text}");
    }
}
