//! Names that scripts give to things themselves: keys of maps, kinds of errors.

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, Stmt};

use crate::runbook::parsed::Parsed;

/// What the files of a script write into maps.
#[derive(Default)]
pub(super) struct Keys {
    /// Keys of maps they make or fill.
    pub(super) names: BTreeSet<String>,
    /// Texts they give as `kind`.
    pub(super) kinds: BTreeSet<String>,
}

impl Keys {
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a Parsed>) -> Self {
        let mut keys = Self::default();
        for file in files {
            file.each_node(&mut |node| keys.collect(node));
        }
        keys
    }

    fn collect(&mut self, node: &ASTNode) {
        match node {
            ASTNode::Expr(Expr::Map(map, _)) => {
                for (key, value) in &map.0 {
                    self.names.insert(key.name.to_string());
                    if let ("kind", Expr::StringConstant(kind, _)) = (key.name.as_str(), value) {
                        self.kinds.insert(kind.to_string());
                    }
                }
            }
            ASTNode::Stmt(Stmt::Assignment(assignment)) => {
                let mut end = &assignment.1.lhs;
                while let Expr::Dot(chain, ..) | Expr::Index(chain, ..) = end {
                    end = &chain.rhs;
                }
                match end {
                    Expr::Property(property, _) => self.names.insert(property.2.to_string()),
                    Expr::StringConstant(key, _) => self.names.insert(key.to_string()),
                    _ => false,
                };
            }
            _ => {}
        }
    }
}
