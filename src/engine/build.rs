//! The interpreter: chosen packages, explicit limits, and the table's functions.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage, Package as _,
};
use rhai::{
    Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, Module, NativeCallContext,
    OptimizationLevel, RhaiFunc, Shared,
};

use crate::engine::bridge::{self, Handle};
use crate::engine::function::Function;
use crate::engine::host::Host;
use crate::engine::program::Libraries;
use crate::engine::table::{HandleType, Signature, Table, Type};
use crate::names::Class;

/// More than any honest script needs, few enough to end one that lost its way.
const OPERATIONS: u64 = 1_000_000_000;

/// Functions of scripts that call each other; the stack holds many times that.
const CALLS: usize = 64;

const PARAM_HELP: (&str, Type) = ("help", Type::Text);

const fn param(
    name: &'static str,
    params: &'static [(&'static str, Type)],
    optional: usize,
    doc: &'static str,
) -> Signature {
    Signature {
        name,
        class: Class::Local,
        params,
        optional,
        returns: Type::Any,
        doc,
    }
}

/// What declares parameters. Their arguments are read without running the script.
const PARAMS: &[Signature] = &[
    param(
        "param::int",
        &[
            PARAM_HELP,
            ("default or range", Type::Any),
            ("range or default", Type::Any),
            ("more", Type::Map),
        ],
        3,
        "A whole number, within a range if one is given.",
    ),
    param(
        "param::text",
        &[PARAM_HELP, ("default", Type::Any), ("more", Type::Map)],
        2,
        "A text.",
    ),
    param(
        "param::flag",
        &[PARAM_HELP, ("default", Type::Any), ("more", Type::Map)],
        2,
        "A switch, off unless the default is true.",
    ),
    param(
        "param::choice",
        &[
            PARAM_HELP,
            ("choices", Type::List),
            ("default", Type::Any),
            ("more", Type::Map),
        ],
        2,
        "One of a list.",
    ),
    param(
        "param::duration",
        &[PARAM_HELP, ("default", Type::Any), ("more", Type::Map)],
        2,
        "A length of time such as \"25m\"; its value is in seconds.",
    ),
    param(
        "param::arg",
        &[PARAM_HELP, ("default", Type::Any), ("more", Type::Map)],
        2,
        "A text given by its place instead of by a flag.",
    ),
];

/// What a script says it wants undone when the run is given up for good.
const ON_ABORT: Signature = Signature {
    name: "on_abort",
    class: Class::Local,
    params: &[("undo", Type::Action)],
    optional: 0,
    returns: Type::Unit,
    doc: "Says what `runbook resume --abort` is to do: a closure without parameters. Of several, the last one said is called first.",
};

/// An interpreter whose functions act for `host`.
pub(super) fn engine(functions: &'static [&'static [Function]], host: &Rc<Host>) -> Engine {
    let mut engine = language();
    engine.set_module_resolver(Libraries(Rc::clone(&host.program)));
    let stop = host.world.stop().clone();
    engine.on_progress(move |_| stop.is_stopped().then_some(Dynamic::UNIT));
    engine.register_type_with_name::<Handle>("handle");
    engine.register_indexer_get(property);
    engine.register_fn("to_string", |handle: &mut Handle| described(handle));
    engine.register_fn("to_debug", |handle: &mut Handle| described(handle));
    engine.register_fn("==", |a: &mut Handle, b: Handle| *a == b);

    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    for function in functions.iter().copied().flatten() {
        let (least, most) = function.signature.arity();
        for arity in least..=most {
            let host = Rc::clone(host);
            let run = move |context: NativeCallContext<'_>, args: &mut [&mut Dynamic]| {
                host.call(function, &context, args)
            };
            register(&mut engine, &mut modules, &function.signature, arity, run);
        }
    }
    for signature in PARAMS {
        let (least, most) = signature.arity();
        for arity in least..=most {
            let program = Rc::clone(&host.program);
            let run = move |context: NativeCallContext<'_>, _: &mut [&mut Dynamic]| {
                let position = context.call_position();
                let place = (
                    position.line().unwrap_or(1),
                    position.position().unwrap_or(1).max(1),
                );
                Ok(program
                    .values
                    .get(&place)
                    .map_or(Dynamic::UNIT, bridge::to_dynamic))
            };
            register(&mut engine, &mut modules, signature, arity, run);
        }
    }
    let undo = Rc::clone(host);
    engine.register_fn("on_abort", move |closure: FnPtr| {
        undo.undo.borrow_mut().push(closure);
    });
    for (name, module) in modules {
        engine.register_static_module(name, module.into());
    }
    engine
}

/// The language itself: no clock, no sleep, no exit, no files; limits that do not depend on how
/// the interpreter was built.
fn language() -> Engine {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    engine.set_max_operations(OPERATIONS);
    engine.set_max_call_levels(CALLS);
    engine.set_max_expr_depths(128, 128);
    // Counted with everything inside: the pods of a large cluster are a million cells.
    engine.set_max_string_size(256 << 20);
    engine.set_max_array_size(4_000_000);
    engine.set_max_map_size(4_000_000);
    engine.set_max_modules(64);
    engine.set_max_functions(1_000);
    engine.set_max_variables(1_000);
    engine.disable_symbol("eval");
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    engine
}

/// Everything a script can call, for `check`, `show` and help.
pub fn table(
    functions: &'static [&'static [Function]],
    handles: &[HandleType],
    keys: &[&'static str],
) -> Table {
    let ours = functions.iter().copied().flatten().map(|f| f.signature);
    let mut table = Table {
        functions: ours
            .chain(PARAMS.iter().copied())
            .chain([ON_ABORT])
            .map(|signature| (signature.name, signature))
            .collect(),
        handles: handles
            .iter()
            .map(|handle| (handle.name, *handle))
            .collect(),
        keys: keys.iter().copied().collect(),
        builtins: BTreeMap::new(),
    };
    let metadata = language().collect_fn_metadata(
        None,
        |info| Some((info.metadata.name.to_string(), info.metadata.num_params)),
        true,
    );
    for (name, arity) in metadata {
        table.builtins.entry(name).or_default().insert(arity);
    }
    table
}

/// Registers one arity of a function. Its arguments are taken as they come and judged by us, so
/// that a wrong one is told by its name instead of "function not found".
fn register(
    engine: &mut Engine,
    modules: &mut BTreeMap<&'static str, Module>,
    signature: &Signature,
    arity: usize,
    run: impl Fn(NativeCallContext<'_>, &mut [&mut Dynamic]) -> Result<Dynamic, Box<EvalAltResult>>
    + 'static,
) {
    let mut types = vec![TypeId::of::<Dynamic>(); arity];
    if signature.subject().is_some() {
        types.insert(0, TypeId::of::<Handle>());
    }
    let Some(module) = signature.module() else {
        engine.register_raw_fn(signature.short(), types, run);
        return;
    };
    let module = modules.entry(module).or_default();
    FuncRegistration::new(signature.short()).set_into_module_raw(
        module,
        types,
        RhaiFunc::Method {
            func: Shared::new(
                move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
                    match context {
                        Some(context) => run(context, args),
                        None => Ok(Dynamic::UNIT),
                    }
                },
            ),
            has_context: true,
            is_pure: true,
            is_volatile: true,
        },
    );
}

/// `pool.minimum`.
fn property(handle: &mut Handle, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    match handle.fields.get(name) {
        Some(value) => Ok(bridge::to_dynamic(value)),
        None => Err(format!("a {} has no `{name}`", handle.kind).into()),
    }
}

/// `Pool nb-user`.
fn described(handle: &Handle) -> String {
    match handle.fields.get("name").and_then(|name| name.as_str()) {
        Some(name) => format!("{} {name}", handle.kind),
        None => handle.kind.clone(),
    }
}
