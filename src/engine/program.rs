//! What is run: a checked script, its libraries, the values of its parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};
use serde_json::Value;

use crate::error::Place;

/// One parsed file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its syntax tree, not optimised, with `name` as its source.
    pub ast: AST,
    /// The file as shown to people.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// A script that can run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The runbook itself.
    pub main: File,
    /// Everything it imports, by the path as written.
    pub libraries: BTreeMap<String, File>,
    /// Parameters' values, by line and column of the call that declares them.
    pub values: BTreeMap<(usize, usize), Value>,
}

impl Program {
    /// A place in one of its files; the main one when `file` is empty.
    pub(super) fn place(&self, file: &str, position: Position, label: &str) -> Place {
        let mut files = self.libraries.values().chain([&self.main]);
        let file = files.find(|known| known.name == file).unwrap_or(&self.main);
        Place {
            file: file.name.clone(),
            line: position.line().unwrap_or(1),
            column: position.position().unwrap_or(1).max(1),
            label: label.to_owned(),
            text: Arc::clone(&file.text),
        }
    }
}

/// Finds libraries among those read before the run, and nowhere else.
pub(super) struct Libraries(pub(super) std::rc::Rc<Program>);

impl ModuleResolver for Libraries {
    fn resolve(
        &self,
        engine: &Engine,
        _: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let Some(file) = self.0.libraries.get(path) else {
            let message = format!("`{path}` was not read before the run");
            return Err(EvalAltResult::ErrorRuntime(message.into(), position).into());
        };
        let module = Module::eval_ast_as_new(Scope::new(), &file.ast, engine)
            .map_err(|e| EvalAltResult::ErrorInModule(path.to_owned(), e, position))?;
        Ok(module.into())
    }
}
