//! What is caught, and what never is.

use super::{each, sound};

fn caught(inside: &str) -> String {
    format!("try {{ gke::pool(\"x\"); }} catch (e) {{\n{inside}\n}}")
}

#[test]
fn a_caught_error_has_three_properties() {
    each(&[(
        &caught("say(e.mesage);"),
        "2:7 there is no property `mesage` on a caught error; did you mean `message`?",
    )]);
    each(&[(
        &caught("say(e.zebra);"),
        "2:7 there is no property `zebra` on a caught error; there are: kind, message, hint",
    )]);
    sound(&[
        &caught("say(`${e.kind}: ${e.message}; ${e.hint}`);"),
        "try { throw #{ kind: \"mine\", detail: \"x\" }; } catch (e) { say(e.detail); }",
        "try { throw \"no\"; } catch (e) { say(e); say(`${e.len()}`); }",
    ]);
}

#[test]
fn a_kind_of_error_there_is_none_of_is_never_caught() {
    each(&[
        (
            &caught("if e.kind == \"qouta\" { say(\"x\"); }"),
            "2:14 no error is of kind `qouta`; did you mean `quota`?",
        ),
        (
            &caught("if \"stokout\" != e.kind { say(\"x\"); }"),
            "2:4 no error is of kind `stokout`; did you mean `stockout`?",
        ),
        (
            &caught("if e.kind in [\"quota\", \"stokout\"] { say(\"x\"); }"),
            "2:14 no error is of kind `stokout`; did you mean `stockout`?",
        ),
        (
            &caught("if e.kind == \"interrupted\" { say(\"x\"); }"),
            "2:14 an error of kind `interrupted` ends the run and is never caught; leave this out",
        ),
    ]);
    sound(&[
        &caught("if e.kind in [\"quota\", \"rate-limited\"] { say(\"x\"); }"),
        "try { throw #{ kind: \"mine\" }; } catch (e) { if e.kind == \"mine\" { say(\"x\"); } }",
    ]);
}

#[test]
fn a_catch_that_nothing_leads_to_is_found() {
    for body in ["", "let a = 1;", "let a = [1, `x`];"] {
        each(&[(
            &format!("try {{ {body} }} catch (e) {{ say(\"x\"); }}"),
            "1:1 nothing in this `try` can fail: its `catch` is never reached; leave `try` and `catch` out",
        )]);
    }
    sound(&[
        "try { let a = `${gke::pool(\"x\")}`; } catch (e) { say(\"x\"); }",
        "let a = 0; try { a = 1 / a; } catch (e) { say(\"x\"); }",
        "let l = []; try { l[0]; } catch (e) { say(\"x\"); }",
        "try { throw; } catch (e) { say(\"x\"); }",
    ]);
}

#[test]
fn the_value_of_a_catch_is_lost() {
    each(&[(
        "fn f() { try { gke::pool(\"x\").nodes } catch { 2 } }",
        "1:47 a `catch` has no value: this is thrown away; write `return ...;` in a function, or assign it to a variable",
    )]);
    sound(&[
        "fn f() { try { gke::pool(\"x\").nodes } catch { return 2; } }",
        "try { gke::pool(\"x\"); } catch { k8s::nodes(\"x\"); }",
        "try { gke::pool(\"x\"); } catch { () }",
    ]);
}
