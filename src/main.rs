//! The command line; its commands arrive with the engine.

fn main() {
    runbook::ui::print(&format!(
        "runbook {}: no commands yet\n",
        env!("CARGO_PKG_VERSION")
    ));
}
