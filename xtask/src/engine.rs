//! Validates a linked module and runs it in wasmi.

use crate::wasi::{self, World};
use wasmi::{Engine, Linker, Module, Store};
use wasmparser::{Validator, WasmFeatures};

/// How a program ended.
pub struct Finished {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

/// Checks a module, with every feature allowed.
pub fn validate(module: &[u8]) -> Result<(), String> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    validator.validate_all(module).map(|_| ()).map_err(|error| format!("the module is not valid: {error}"))
}

/// Runs `_start` to its end.
pub fn run(module: &[u8], world: World) -> Result<Finished, String> {
    let engine = Engine::default();
    let module = Module::new(&engine, module).map_err(|error| format!("wasmi: {error}"))?;
    let mut store = Store::new(&engine, world);
    let mut linker = <Linker<World>>::new(&engine);
    wasi::define(&mut linker, &mut store, &module)?;
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .map_err(|error| format!("cannot be instantiated: {error}"))?;
    let start =
        instance.get_typed_func::<(), ()>(&store, "_start").map_err(|error| format!("_start: {error}"))?;
    let code = match start.call(&mut store, ()) {
        Ok(()) => 0,
        Err(error) => error.i32_exit_status().ok_or_else(|| {
            let world = store.data();
            format!("{error}\n{}{}", text(&world.stdout), text(&world.stderr))
        })?,
    };
    let world = store.into_data();
    Ok(Finished { code, stdout: text(&world.stdout), stderr: text(&world.stderr) })
}

/// Calls an export that takes a number and gives one back, in a module without imports.
pub fn call(module: &[u8], function: &str, argument: i32) -> Result<i32, String> {
    let engine = Engine::default();
    let module = Module::new(&engine, module).map_err(|error| format!("wasmi: {error}"))?;
    let mut store = Store::new(&engine, ());
    let instance = <Linker<()>>::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .map_err(|error| format!("cannot be instantiated: {error}"))?;
    let function = instance
        .get_typed_func::<i32, i32>(&store, function)
        .map_err(|error| format!("{function}: {error}"))?;
    function.call(&mut store, argument).map_err(|error| error.to_string())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
