//! One parsed file, runbook or library, with what it imports and defines.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ASTNode, Expr, FnAccess, Stmt};

use crate::error;
use crate::runbook::library::Source;
use crate::runbook::syntax::{self, line_column};

/// A parsed file.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Its text and where it is from.
    pub source: Source,
    /// Its syntax tree, not optimised.
    pub ast: AST,
    /// What it imports, in order.
    pub imports: Vec<Import>,
}

/// `import "lib/pools" as pools;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The path, when it is written as plain text.
    pub path: Option<String>,
    /// The name it is used by; empty when there is none.
    pub alias: String,
    /// Line of the path.
    pub line: usize,
    /// Column of the path.
    pub column: usize,
}

/// Every library a runbook imports, directly or not, by path.
pub type Libraries = BTreeMap<String, error::Result<Parsed>>;

impl Parsed {
    /// Parses a file.
    ///
    /// # Errors
    /// The first mistake of syntax, with its place.
    pub fn read(source: Source) -> error::Result<Self> {
        let ast = syntax::parse(&source)?;
        let imports = imports(&ast);
        Ok(Self {
            source,
            ast,
            imports,
        })
    }

    /// Reads every library this file leads to, each once.
    pub fn libraries(&self) -> Libraries {
        let mut all = Libraries::new();
        let mut wanted: Vec<(Source, String)> = self.wanted();
        while let Some((from, path)) = wanted.pop() {
            if all.contains_key(&path) {
                continue;
            }
            let library = from.library(&path).and_then(Self::read);
            if let Ok(library) = &library {
                wanted.extend(library.wanted());
            }
            all.insert(path, library);
        }
        all
    }

    fn wanted(&self) -> Vec<(Source, String)> {
        let paths = self.imports.iter().filter_map(|import| import.path.clone());
        paths.map(|path| (self.source.clone(), path)).collect()
    }

    /// Functions the file defines, with the numbers of arguments they take; closures left out.
    pub fn functions(&self, private_too: bool) -> BTreeMap<&str, BTreeSet<usize>> {
        let mut functions: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for function in self.ast.iter_fn_def() {
            let visible = private_too || matches!(function.access, FnAccess::Public);
            if visible && !function.name.starts_with("anon$") {
                functions
                    .entry(function.name.as_str())
                    .or_default()
                    .insert(function.params.len());
            }
        }
        functions
    }

    /// Calls `visit` for every statement and expression, nested ones and function bodies too.
    pub fn each_node(&self, visit: &mut impl FnMut(&ASTNode)) {
        self.ast.walk(&mut |path| visit_last(path, visit));
    }

    /// Calls `visit` for what stands outside of functions and closures.
    pub fn each_top_node(&self, visit: &mut impl FnMut(&ASTNode)) {
        for statement in self.ast.statements() {
            statement.walk(&mut Vec::new(), &mut |path: &[ASTNode]| {
                visit_last(path, visit)
            });
        }
    }
}

/// The library's walk does not look at the value of `break VALUE`, so it is walked from here.
fn visit_last(path: &[ASTNode], visit: &mut impl FnMut(&ASTNode)) -> bool {
    if let Some(node) = path.last() {
        visit(node);
        if let ASTNode::Stmt(Stmt::BreakLoop(Some(value), ..)) = node {
            value.walk(&mut Vec::new(), &mut |path: &[ASTNode]| {
                if let Some(node) = path.last() {
                    visit(node);
                }
                true
            });
        }
    }
    true
}

fn imports(ast: &AST) -> Vec<Import> {
    let mut imports = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = path.last() {
            let (path, alias) = &**import;
            let (line, column) = line_column(path.position());
            let path = match path {
                Expr::StringConstant(path, _) => Some(path.to_string()),
                _ => None,
            };
            let alias = alias.name.to_string();
            imports.push(Import {
                path,
                alias,
                line,
                column,
            });
        }
        true
    });
    imports.sort_by_key(|import| (import.line, import.column));
    imports
}
