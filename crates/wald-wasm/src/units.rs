//! A unit whose symbols are known by name.

use serde_json::Value;
use std::collections::HashMap;
use wald::unit::{
    Binding, Data, Definition, Function, Import, Relocation, RelocationType, Symbol, SymbolHandle,
    TypeHandle, Unit, ValueType,
};

/// A unit and its symbols.
#[derive(Default)]
pub struct NamedUnit {
    unit: Unit,
    symbols: HashMap<String, SymbolHandle>,
}

/// What is wrong with a description.
type Wrong = String;

impl NamedUnit {
    /// The unit.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Defines or declares a symbol. `js/wald.d.ts` describes the JSON (`SymbolDescription`).
    pub fn define(&mut self, description: &str, bytes: Vec<u8>) -> Result<(), Wrong> {
        let description: Value = serde_json::from_str(description).map_err(|error| error.to_string())?;
        let name = text(&description, "name")?.to_string();
        let in_symbol = |wrong: Wrong| format!("{name}: {wrong}");
        let definition = self.definition(&description, bytes).map_err(in_symbol)?;
        let symbol = symbol(&name, &description).map_err(in_symbol)?;
        let handle = match self.symbols.get(&name) {
            Some(&handle) => {
                self.unit.define(handle, definition).map_err(|error| in_symbol(error.to_string()))?;
                self.unit.set_symbol(handle, symbol).map_err(|error| in_symbol(error.to_string()))?;
                return Ok(());
            }
            None => self.unit.add(symbol, definition).map_err(|error| in_symbol(error.to_string()))?,
        };
        self.symbols.insert(name, handle);
        Ok(())
    }

    /// Removes a symbol.
    pub fn remove(&mut self, name: &str) -> Result<(), Wrong> {
        let handle = *self.symbols.get(name).ok_or_else(|| format!("{name}: is not in the unit"))?;
        self.unit.remove(handle).map_err(|error| format!("{name}: {error}"))?;
        self.symbols.remove(name);
        Ok(())
    }

    fn definition(&mut self, description: &Value, bytes: Vec<u8>) -> Result<Definition, Wrong> {
        let relocations = self.relocations(description)?;
        let is_undefined = description["undefined"].as_bool().unwrap_or_default();
        let (function, data) = (&description["function"], &description["data"]);
        if function.is_object() {
            let signature = self.signature(function)?;
            if is_undefined {
                return Ok(Definition::UndefinedFunction(signature, import(&description["import"])));
            }
            let mut defined = Function::new(signature, bytes, relocations);
            defined.export_name = function["exportName"].as_str().map(str::to_string);
            return Ok(Definition::Function(defined));
        }
        if !data.is_object() {
            return Err("is neither a function nor data".into());
        }
        if is_undefined {
            return Ok(Definition::UndefinedData);
        }
        let mut defined = Data::new(text(data, "segment")?, number(data, "alignment")? as u32, bytes);
        defined.flags = number(data, "flags")? as u32;
        defined.relocations = relocations;
        Ok(Definition::Data(defined))
    }

    fn signature(&mut self, function: &Value) -> Result<TypeHandle, Wrong> {
        let (parameters, results) = (types(&function["parameters"])?, types(&function["results"])?);
        Ok(self.unit.signature(&parameters, &results))
    }

    fn relocations(&self, description: &Value) -> Result<Vec<Relocation>, Wrong> {
        let list = description["relocations"].as_array().map_or(&[][..], Vec::as_slice);
        let relocation = |of: &Value| {
            let (kind, name) = (text(of, "type")?, text(of, "symbol")?);
            let kind = (0..).map_while(RelocationType::from_number).find(|known| known.name() == kind);
            let kind = kind.ok_or("a relocation has an unknown type")?;
            let symbol = self.symbols.get(name);
            let symbol = *symbol.ok_or_else(|| format!("refers to {name}, which is not in the unit"))?;
            let offset = u32::try_from(number(of, "offset")?).map_err(|_| "an offset is too large")?;
            Ok(Relocation::new(kind, offset, symbol, number(of, "addend")?))
        };
        list.iter().map(relocation).collect()
    }
}

fn symbol(name: &str, description: &Value) -> Result<Symbol, Wrong> {
    let is = |key: &str| description[key].as_bool().unwrap_or_default();
    let mut symbol = Symbol::global(name);
    symbol.binding = match description["binding"].as_str() {
        None | Some("global") => Binding::Global,
        Some("weak") => Binding::Weak,
        Some("local") => Binding::Local,
        Some(other) => return Err(format!("the binding {other} is not known")),
    };
    (symbol.hidden, symbol.exported, symbol.no_strip) = (is("hidden"), is("exported"), is("keep"));
    Ok(symbol)
}

fn import(description: &Value) -> Option<Import> {
    Some(Import::new(description["module"].as_str()?, description["name"].as_str()?))
}

fn types(list: &Value) -> Result<Vec<ValueType>, Wrong> {
    let value_type = |value: &Value| match value.as_str() {
        Some("i32") => Ok(ValueType::I32),
        Some("i64") => Ok(ValueType::I64),
        Some("f32") => Ok(ValueType::F32),
        Some("f64") => Ok(ValueType::F64),
        Some("v128") => Ok(ValueType::V128),
        Some("funcref") => Ok(ValueType::FuncRef),
        Some("externref") => Ok(ValueType::ExternRef),
        _ => Err(format!("the value type {value} is not known")),
    };
    list.as_array().map_or(&[][..], Vec::as_slice).iter().map(value_type).collect()
}

fn text<'v>(of: &'v Value, key: &str) -> Result<&'v str, Wrong> {
    of[key].as_str().ok_or_else(|| format!("{key} must be a text"))
}

/// A number, which is 0 if it is not given.
fn number(of: &Value, key: &str) -> Result<i64, Wrong> {
    match &of[key] {
        Value::Null => Ok(0),
        value => value.as_i64().ok_or_else(|| format!("{key} must be a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_described_and_edited() {
        let mut unit = NamedUnit::default();
        let show = r#"{ "name": "show", "undefined": true, "function": { "parameters": ["i32"], "results": [] },
            "import": { "module": "host", "name": "show" } }"#;
        unit.define(show, Vec::new()).unwrap();
        let answer = r#"{ "name": "answer", "function": { "results": ["i32"] } }"#;
        unit.define(answer, vec![0, 0x41, 42, 0x0b]).unwrap();
        unit.define(
            r#"{ "name": "text", "binding": "local", "data": { "segment": ".rodata.text" } }"#,
            vec![1],
        )
        .unwrap();
        let start = r#"{ "name": "_start", "function": {}, "relocations": [
            { "type": "R_WASM_FUNCTION_INDEX_LEB", "offset": 2, "symbol": "answer" },
            { "type": "R_WASM_FUNCTION_INDEX_LEB", "offset": 8, "symbol": "show" }] }"#;
        let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
        unit.define(start, body).unwrap();
        let before = unit.unit().to_object().unwrap();
        unit.define(answer, vec![0, 0x41, 43, 0x0b]).unwrap();
        assert_ne!(unit.unit().to_object().unwrap(), before);
        assert!(unit.remove("answer").unwrap_err().starts_with("answer: "));
        assert_eq!(unit.remove("nothing").unwrap_err(), "nothing: is not in the unit");
        let wrong = r#"{ "name": "f", "function": {}, "relocations": [
            { "type": "R_WASM_FUNCTION_INDEX_LEB", "offset": 2, "symbol": "missing" }] }"#;
        let wrong = unit.define(wrong, vec![0, 0x0b]).unwrap_err();
        assert_eq!(wrong, "f: refers to missing, which is not in the unit");
    }
}
