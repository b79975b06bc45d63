//! Variables that are not there, as the strict compiler finds them.

use std::collections::BTreeSet;

use rhai::{ASTNode, Engine, Module, OptimizationLevel, ParseErrorType, Stmt};

use super::near;
use crate::engine::table::Table;
use crate::runbook::finding::Finding;
use crate::runbook::parsed::Parsed;
use crate::runbook::syntax::{DEPTH, line_column};

/// The first variable that is not defined where it is used; the compiler stops there.
pub(super) fn undefined(parsed: &Parsed, table: &Table) -> Option<Finding> {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(DEPTH, DEPTH);
    engine.set_strict_variables(true);
    // Modules are judged elsewhere, with suggestions: here they all exist.
    let imported = parsed.imports.iter().map(|import| import.alias.as_str());
    for name in table
        .modules()
        .into_iter()
        .chain(imported)
        .chain(unknown_modules(parsed).iter().map(String::as_str))
    {
        engine.register_static_module(name, Module::new().into());
    }
    let error = engine.compile(&*parsed.source.text).err()?;
    let ParseErrorType::VariableUndefined(name) = &*error.0 else {
        return None;
    };
    let (line, column) = line_column(error.1);
    let (constants, all) = declared(parsed);
    let suggestion = if constants.contains(name) {
        Some(format!(
            "a function sees the script's constants as `global::{name}`"
        ))
    } else {
        near(
            name,
            all.iter().map(String::as_str),
            "declare it with `let` before it is used",
        )
    };
    Some(Finding {
        place: parsed.source.place(line, column, "here"),
        message: format!("there is no variable `{name}` here"),
        suggestion,
        rule: "undefined-variable",
    })
}

/// Every module the file names.
fn unknown_modules(parsed: &Parsed) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    parsed.each_node(&mut |node| {
        if let ASTNode::Expr(rhai::Expr::FnCall(call, _)) = node
            && let Some(module) = call.namespace.path.first()
        {
            names.insert(module.name.to_string());
        }
    });
    names
}

/// Constants of the top level, and every name declared anywhere.
fn declared(parsed: &Parsed) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut constants, mut all) = (BTreeSet::new(), BTreeSet::new());
    for statement in parsed.ast.statements() {
        if let Stmt::Var(variable, ..) = statement {
            constants.insert(variable.0.name.to_string());
        }
    }
    parsed.each_node(&mut |node| match node {
        ASTNode::Stmt(Stmt::Var(variable, ..)) => {
            all.insert(variable.0.name.to_string());
        }
        ASTNode::Stmt(Stmt::For(head, _)) => {
            all.insert(head.0.name.to_string());
        }
        _ => {}
    });
    for function in parsed.ast.iter_fn_def() {
        all.extend(function.params.iter().map(ToString::to_string));
    }
    (constants, all)
}
