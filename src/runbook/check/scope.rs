//! Names that are not there where they are used, as the strict compiler finds them.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{
    ASTFlags, ASTNode, Engine, Expr, Ident, Module, OptimizationLevel, ParseErrorType, Stmt,
};

use super::{flow, near};
use crate::engine::table::Table;
use crate::runbook::finding::Finding;
use crate::runbook::parsed::Parsed;
use crate::runbook::syntax::{DEPTH, line_column};

type At = (usize, usize);

/// More than anybody corrects at once.
const MOST: usize = 50;

/// Variables that are not defined, and modules used where they are not imported.
///
/// The compiler stops at the first one: it is blanked out, or brought in, and compiled again.
pub(super) fn undefined(parsed: &Parsed, table: &Table) -> Vec<Finding> {
    let names = Names::of(parsed);
    let mut modules: BTreeSet<String> = table.modules().into_iter().map(str::to_owned).collect();
    // Those that exist nowhere are told by the one who looks at calls.
    let imported = |name: &&String| parsed.imports.iter().any(|i| i.alias == **name);
    modules.extend(names.modules.iter().filter(|m| !imported(m)).cloned());
    let mut text = parsed.source.text.to_string();
    let mut findings = Vec::new();
    for _ in 0..MOST {
        let Err(error) = strict(&modules).compile(&text) else {
            break;
        };
        let at = line_column(error.1);
        match &*error.0 {
            ParseErrorType::VariableUndefined(name) => {
                findings.push(names.undefined(parsed, name, at));
                let Some(without) = blank(&text, name, at) else {
                    break;
                };
                text = without;
            }
            ParseErrorType::ModuleUndefined(name) => {
                if let Some(finding) = names.out_of_reach(parsed, name, at) {
                    findings.push(finding);
                }
                modules.insert(name.clone());
            }
            // The blank stands where none may: the rest is found once this is corrected.
            _ => break,
        }
    }
    findings
}

fn strict(modules: &BTreeSet<String>) -> Engine {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(DEPTH, DEPTH);
    engine.set_strict_variables(true);
    for name in modules {
        engine.register_static_module(name.as_str(), Module::new().into());
    }
    engine
}

/// The text with a number and blanks instead of a name, so that nothing else moves.
fn blank(text: &str, name: &str, (line, column): At) -> Option<String> {
    let start: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let rest = text.get(start..)?;
    let at = start + rest.char_indices().nth(column - 1)?.0;
    let after = text.get(at..)?.strip_prefix(name)?;
    let blanks = " ".repeat(name.len() - 1);
    Some(format!("{}0{blanks}{after}", text.get(..at)?))
}

/// What a file names, and where.
#[derive(Default)]
struct Names {
    /// Declared at the top level: the line, and whether it is a constant.
    top: BTreeMap<String, (usize, bool)>,
    /// Declared anywhere.
    all: BTreeSet<String>,
    functions: BTreeSet<String>,
    modules: BTreeSet<String>,
    /// Imported at the top level.
    imports: BTreeSet<String>,
    /// What stands outside of functions.
    outside: BTreeSet<At>,
}

impl Names {
    fn of(parsed: &Parsed) -> Self {
        let mut names = Self::default();
        for statement in parsed.ast.statements() {
            match statement {
                Stmt::Var(variable, flags, _) => {
                    let (line, _) = line_column(variable.0.pos);
                    let constant = flags.contains(ASTFlags::CONSTANT);
                    names
                        .top
                        .insert(variable.0.name.to_string(), (line, constant));
                }
                Stmt::Import(import, _) => {
                    names.imports.insert(import.1.name.to_string());
                }
                _ => {}
            }
        }
        parsed.each_node(&mut |node| match node {
            ASTNode::Stmt(Stmt::Var(variable, ..)) => {
                names.all.insert(variable.0.name.to_string());
            }
            ASTNode::Stmt(Stmt::For(head, _)) => {
                names.all.insert(head.0.name.to_string());
            }
            ASTNode::Expr(expr) => names
                .modules
                .extend(module(expr).map(|m| m.name.to_string())),
            _ => {}
        });
        parsed.each_top_node(&mut |node| {
            if let ASTNode::Expr(expr) = node {
                names.outside.insert(line_column(expr.position()));
                names
                    .outside
                    .extend(module(expr).map(|m| line_column(m.pos)));
            }
        });
        names.all.extend(flow::handed_in(parsed));
        let functions = parsed.functions(true).into_keys();
        names.functions = functions.map(str::to_owned).collect();
        names
    }

    fn undefined(&self, parsed: &Parsed, name: &str, at: At) -> Finding {
        let suggestion = match self.top.get(name) {
            Some((_, true)) if !self.outside.contains(&at) => Some(format!(
                "a function sees the script's constants as `global::{name}`"
            )),
            Some(_) if !self.outside.contains(&at) => Some(format!(
                "a function sees no variables from outside: hand `{name}` to it"
            )),
            Some((line, _)) if at.0 <= *line => Some(format!(
                "it is declared on line {line}: declare it before it is used"
            )),
            _ if self.all.contains(name) => Some(format!(
                "it ends with the block it is declared in: write `let {name} = ...;` before the block"
            )),
            _ => near(
                name,
                self.all.iter().chain(&self.functions).map(String::as_str),
                "declare it with `let` before it is used",
            ),
        };
        finding(
            parsed,
            at,
            format!("there is no variable `{name}` here"),
            suggestion,
        )
    }

    /// An import that is written elsewhere than where it could be used.
    fn out_of_reach(&self, parsed: &Parsed, name: &str, at: At) -> Option<Finding> {
        let import = parsed.imports.iter().find(|import| import.alias == name)?;
        // A function runs later, when the imports of the top level are there.
        if self.imports.contains(name) && !self.outside.contains(&at) {
            return None;
        }
        let message = format!("`{name}` is not imported here");
        let suggestion = format!(
            "it is imported on line {}: move the import to the top of the file",
            import.line
        );
        Some(finding(parsed, at, message, Some(suggestion)))
    }
}

/// The module that a call or a variable names.
pub(super) fn module(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::FnCall(call, _) => call.namespace.path.first(),
        Expr::Variable(variable, ..) => variable.2.path.first(),
        _ => None,
    }
}

fn finding(
    parsed: &Parsed,
    (line, column): At,
    message: String,
    suggestion: Option<String>,
) -> Finding {
    Finding {
        place: parsed.source.place(line, column, "here"),
        message,
        suggestion,
        rule: "undefined-variable",
    }
}
