//! A runbook's script, read and not run: description, parameters, steps, libraries.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{AST, ASTNode, Expr};
use serde_json::Value;

use crate::engine::{File, Program};
use crate::error;
use crate::runbook::finding::Finding;
use crate::runbook::library::Source;
use crate::runbook::params::{Param, read};
use crate::runbook::parsed::{Libraries, Parsed};
use crate::runbook::syntax::line_column;

/// A runbook as text says it is.
#[derive(Debug, Clone)]
pub struct Script {
    /// The file itself.
    pub file: Parsed,
    /// Everything it imports.
    pub libraries: Libraries,
    /// Its description.
    pub doc: Doc,
    /// The parameters it declares, in order; mistaken ones left out.
    pub params: Vec<Param>,
    /// Its `step("...")` headings, in order.
    pub steps: Vec<String>,
    /// What is wrong with its parameters.
    pub param_findings: Vec<Finding>,
}

/// The `//!` lines at the top of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// The first paragraph's first line.
    pub summary: String,
    /// What follows it.
    pub details: String,
}

impl Doc {
    /// The description of a script, read from its text alone.
    pub fn of(text: &str) -> Self {
        let lines: Vec<&str> = text
            .lines()
            .skip_while(|line| line.trim().is_empty())
            .map_while(|line| line.trim_start().strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
            .skip_while(|line| line.is_empty())
            .collect();
        let Some((summary, details)) = lines.split_first() else {
            return Self::default();
        };
        Self {
            summary: (*summary).to_owned(),
            details: details.join("\n").trim_matches('\n').to_owned(),
        }
    }
}

impl Script {
    /// Hashes of what it imports, by path.
    pub fn hashes(&self) -> std::collections::BTreeMap<String, String> {
        let libraries = self.libraries.iter().filter_map(|(path, library)| {
            let library = library.as_ref().ok()?;
            Some((path.clone(), library.source.hash.clone()))
        });
        libraries.collect()
    }

    /// Reads a script and the libraries it imports.
    ///
    /// # Errors
    /// The script's first mistake of syntax; a library's is a finding of `check`.
    pub fn read(source: Source) -> error::Result<Self> {
        let file = Parsed::read(source)?;
        let (params, param_findings) = read::params(&file);
        Ok(Self {
            libraries: file.libraries(),
            doc: Doc::of(&file.source.text),
            steps: steps(&file),
            params,
            param_findings,
            file,
        })
    }

    /// The name it is run by.
    pub fn name(&self) -> &str {
        &self.file.source.name
    }

    /// Its text and where it is from.
    pub fn source(&self) -> &Source {
        &self.file.source
    }

    /// Its syntax tree, not optimised, with its file as the source.
    pub fn ast(&self) -> &AST {
        &self.file.ast
    }

    /// The script with the values of its parameters, as the engine runs it.
    ///
    /// # Errors
    /// The first library that could not be read.
    pub fn program(&self, values: &BTreeMap<String, Value>) -> error::Result<Program> {
        let file = |parsed: &Parsed| File {
            ast: parsed.ast.clone(),
            name: parsed.source.file.clone(),
            text: Arc::clone(&parsed.source.text),
        };
        let libraries = self.libraries.iter().map(|(path, library)| {
            let library = library.as_ref().map_err(Clone::clone)?;
            Ok((path.clone(), file(library)))
        });
        let value = |param: &Param| values.get(&param.name).cloned().unwrap_or_default();
        Ok(Program {
            main: file(&self.file),
            libraries: libraries.collect::<error::Result<_>>()?,
            values: self
                .params
                .iter()
                .map(|param| ((param.line, param.column), value(param)))
                .collect(),
        })
    }

    /// The parameter of this name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }
}

fn steps(file: &Parsed) -> Vec<String> {
    let mut steps = Vec::new();
    file.each_node(&mut |node| {
        if let ASTNode::Expr(Expr::FnCall(call, position)) = node
            && call.name == "step"
            && !call.is_qualified()
            && let Some(heading) = call.args.first().and_then(heading)
        {
            steps.push((line_column(*position), heading));
        }
    });
    steps.sort();
    steps.into_iter().map(|(_, heading)| heading).collect()
}

/// A heading as it can be known without running: what is computed shows as an ellipsis.
fn heading(text: &Expr) -> Option<String> {
    match text {
        Expr::StringConstant(text, _) => Some(text.to_string()),
        Expr::InterpolatedString(parts, _) => Some(
            parts
                .iter()
                .map(|part| match part {
                    Expr::StringConstant(text, _) => text.as_str(),
                    _ => "\u{2026}",
                })
                .collect(),
        ),
        _ => None,
    }
}
