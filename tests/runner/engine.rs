//! Runs a linked module in wasmi. WASI's `fd_write` collects what is printed. Every other imported function returns zeros, and
//! imported memories, tables and globals are created from their types.

use crate::case::Run;
use wasmi::{Caller, Engine, Extern, ExternType, Func, Global, Linker, Memory, Module, Store, Table, Val};

/// Calls a function and returns what it printed.
pub fn run(module: &[u8], run: &Run) -> Result<String, String> {
    let engine = Engine::default();
    let module = Module::new(&engine, module).map_err(|e| format!("wasmi: {e}"))?;
    let mut store = Store::new(&engine, String::new());
    let mut linker = <Linker<String>>::new(&engine);
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let item: Extern = match import.ty() {
            ExternType::Func(ty) => {
                let prints = name == "fd_write";
                let types = ty.results().to_vec();
                Func::new(&mut store, ty.clone(), move |mut caller, arguments, results| {
                    for (result, ty) in results.iter_mut().zip(&types) {
                        *result = Val::default(*ty);
                    }
                    if prints {
                        print(&mut caller, arguments);
                    }
                    Ok(())
                })
                .into()
            }
            ExternType::Memory(ty) => Memory::new(&mut store, *ty).map_err(|e| e.to_string())?.into(),
            ExternType::Table(ty) => {
                let null = Val::default(ty.element());
                Table::new(&mut store, *ty, null).map_err(|e| e.to_string())?.into()
            }
            ExternType::Global(ty) => {
                Global::new(&mut store, Val::default(ty.content()), ty.mutability()).into()
            }
        };
        linker.define(from, name, item).map_err(|e| e.to_string())?;
    }
    let instance =
        linker.instantiate_and_start(&mut store, &module).map_err(|e| format!("instantiate: {e}"))?;
    let function = instance.get_func(&store, &run.function).ok_or(format!("no export {}", run.function))?;
    let ty = function.ty(&store);
    let arguments: Vec<Val> =
        run.arguments.iter().zip(ty.params()).map(|(value, ty)| value_of(*value, *ty)).collect();
    let mut results: Vec<Val> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
    let got = match function.call(&mut store, &arguments, &mut results) {
        Ok(()) => results.iter().map(show).collect::<Vec<_>>().join(" "),
        Err(e) if e.as_trap_code().is_some() => "trap".to_string(),
        Err(e) => return Err(format!("{}: {e}", run.function)),
    };
    match &run.expected {
        Some(expected) if *expected != got => {
            Err(format!("{} gave `{got}`, expected `{expected}`", run.function))
        }
        _ => Ok(store.into_data()),
    }
}

fn value_of(value: i64, ty: wasmi::ValType) -> Val {
    match ty {
        wasmi::ValType::I64 => Val::I64(value),
        _ => Val::I32(value as i32),
    }
}

fn show(value: &Val) -> String {
    match value {
        Val::I32(v) => v.to_string(),
        Val::I64(v) => v.to_string(),
        Val::F32(v) => f32::from(*v).to_string(),
        Val::F64(v) => f64::from(*v).to_string(),
        _ => "value".to_string(),
    }
}

/// `fd_write(fd, iovs, count, written)` into the store's string.
fn print(caller: &mut Caller<'_, String>, arguments: &[Val]) {
    let number = |index: usize| arguments.get(index).and_then(Val::i32).unwrap_or(0) as usize;
    let Some(memory) = caller.get_export("memory").and_then(Extern::into_memory) else { return };
    let (data, out) = memory.data_and_store_mut(caller);
    let word = |at: usize| {
        let bytes = data.get(at..at + 4).unwrap_or(&[0; 4]);
        u32::from_le_bytes(bytes.try_into().unwrap_or_default()) as usize
    };
    for index in 0..number(2) {
        let (start, length) = (word(number(1) + index * 8), word(number(1) + index * 8 + 4));
        out.push_str(&String::from_utf8_lossy(data.get(start..start + length).unwrap_or(&[])));
    }
}
