//! The link's symbol table: one entry for each name (and for each variant of a name that disagrees on its
//! signature), and for every object the translation from its own symbol indices.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::bit_set::BitSet;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{FileId, NameId, ObjectId, ObjectSymbolIndex, SignatureId, SymbolId, SyntheticFunctionId};
use crate::object::{Object, ObjectSymbol, Properties};

/// What a symbol stands for in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Nothing defines it. It may become an import.
    Undefined,
    /// An archive member defines it that nobody has needed so far.
    Lazy,
    /// The object [`Symbol::file`] defines it, in the entry [`Symbol::index`] of its symbol table.
    Object,
    /// The shared library [`Symbol::file`] defines it: it is there at run time.
    Shared,
    /// The linker defines it.
    Synthetic(Synthetic),
}

/// What the linker itself defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synthetic {
    /// A function the linker writes.
    Function(SyntheticFunctionId),
    /// An address that layout sets.
    Data(SyntheticData),
    /// A global.
    Global(SyntheticGlobal),
    /// The indirect function table.
    FunctionTable,
}

/// Addresses that the linker gives names to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntheticData {
    /// `__dso_handle`: the start of static data.
    DsoHandle,
    /// `__data_end`: the end of static data.
    DataEnd,
    /// `__stack_low`.
    StackLow,
    /// `__stack_high`.
    StackHigh,
    /// `__global_base`: the start of static data.
    GlobalBase,
    /// `__heap_base`: the first byte for a heap.
    HeapBase,
    /// `__heap_end`: the end of the initial memory.
    HeapEnd,
    /// `__memory_base` of a program that is not position-independent: 0.
    MemoryBase,
    /// `__table_base` of a program that is not position-independent: the first table index.
    TableBase,
    /// `__wasm_first_page_end`: the size of a page.
    FirstPageEnd,
    /// `__start_NAME`: start of the output segment NAME.
    SegmentStart(u32),
    /// `__stop_NAME`: end of the output segment NAME.
    SegmentStop(u32),
    /// `__wasm_init_memory_flag`: the word by which threads agree on who initialises memory.
    InitMemoryFlag,
}

/// Globals that the linker makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntheticGlobal {
    /// `__stack_pointer`.
    StackPointer,
    /// `__tls_base`.
    TlsBase,
    /// `__init_stack_pointer`: where the first of cooperative threads has its stack.
    InitStackPointer,
    /// `__init_tls_base`: where the first of cooperative threads has its thread-local data.
    InitTlsBase,
    /// `__tls_size`.
    TlsSize,
    /// `__tls_align`.
    TlsAlign,
}

/// Module and field of an import, where an object states them; interned like symbol names.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportAttributes {
    /// The module's name.
    pub module: Option<NameId>,
    /// The field's name.
    pub field: Option<NameId>,
}

/// An entry of the symbol table.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: NameId,
    /// What it stands for; meaningless while it is lazy.
    pub kind: SymbolKind,
    /// Flags of the definition, or of the reference that counts.
    pub flags: SymbolFlags,
    /// The file that defines it, or that first referred to it.
    pub file: Option<FileId>,
    /// Its entry in the symbol table of `file`.
    pub index: ObjectSymbolIndex,
    /// What an object defines: position among the object's functions, segments, globals, tags or tables; or
    /// [`Symbol::NO_CHUNK`].
    pub chunk: u32,
    /// What it resolved to.
    pub resolution: Resolution,
    /// Signature of a function or tag, where it is known.
    pub signature: Option<SignatureId>,
    /// Import names of an undefined symbol.
    pub import: ImportAttributes,
    /// An object that is part of the link refers to it or defines it.
    pub used_in_regular_object: bool,
    /// It is exported whatever its flags say.
    pub force_export: bool,
    /// It is imported even without an explicit import name.
    pub force_import: bool,
    /// A call refers to it (undefined functions).
    pub called_directly: bool,
    /// A trapping stub: its address is null.
    pub is_stub: bool,
    /// `--trace-symbol` names it.
    pub traced: bool,
    /// Something live refers to it; for symbols that have no chunk of their own.
    pub referenced: bool,
    /// Stands in for an undefined function that is called all the same.
    pub stub: Option<SyntheticFunctionId>,
}

impl Symbol {
    /// The [`Symbol::chunk`] of what lies in no chunk of an object.
    pub const NO_CHUNK: u32 = u32::MAX;

    /// A symbol that nothing is known of but its name.
    pub fn new(name: NameId, kind: SymbolKind) -> Self {
        Symbol {
            name,
            kind,
            flags: SymbolFlags(0),
            file: None,
            index: ObjectSymbolIndex(0),
            chunk: Symbol::NO_CHUNK,
            resolution: Resolution::Undefined,
            signature: None,
            import: ImportAttributes::default(),
            used_in_regular_object: false,
            force_export: false,
            force_import: false,
            called_directly: false,
            is_stub: false,
            traced: false,
            referenced: false,
            stub: None,
        }
    }

    /// Makes it the linker's own, hidden.
    pub fn define(&mut self, kind: SymbolKind, synthetic: Synthetic) {
        self.kind = kind;
        self.flags = SymbolFlags(SymbolFlags::HIDDEN);
        self.file = None;
        self.referenced |= kind == SymbolKind::Data;
        self.resolution = Resolution::Synthetic(synthetic);
    }

    /// Whether something defines it.
    #[inline]
    pub fn is_defined(&self) -> bool {
        matches!(self.resolution, Resolution::Object | Resolution::Shared | Resolution::Synthetic(_))
    }

    /// Whether a shared library defines it.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.resolution == Resolution::Shared
    }

    /// Whether nothing defines it, not even an archive member.
    #[inline]
    pub fn is_undefined(&self) -> bool {
        self.resolution == Resolution::Undefined
    }

    /// Whether an archive member could define it.
    #[inline]
    pub fn is_lazy(&self) -> bool {
        self.resolution == Resolution::Lazy
    }

    /// Whether it is common data that nothing else took the place of.
    pub fn is_common(&self) -> bool {
        self.resolution == Resolution::Object
            && self.kind == SymbolKind::Data
            && self.flags.binding() == SymbolFlags::COMMON
    }

    /// Whether it is a weak reference to nothing.
    pub fn is_undefined_weak(&self) -> bool {
        self.flags.is_weak() && !self.is_defined()
    }

    /// Whether an import name was stated for it (or forced), so that it may stay undefined.
    pub fn is_imported(&self) -> bool {
        self.is_undefined() && (self.import.field.is_some() || self.force_import)
    }
}

/// A symbol as an object refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A local definition of the object itself: its own table has all there is to know.
    Own(ObjectSymbolIndex),
    /// An entry of the link's symbol table.
    Global(SymbolId),
}

/// A symbol wherever it is kept: in the link's table, or in an object's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnySymbol {
    /// In the link's symbol table.
    Global(SymbolId),
    /// A local symbol of an object.
    Own(ObjectId, ObjectSymbolIndex),
}

const OWN: u32 = u32::MAX;

/// A function that runs before the program's entry.
#[derive(Clone, Copy, Debug)]
pub struct Constructor {
    /// The function.
    pub symbol: AnySymbol,
    /// How many results are to be dropped after the call.
    pub results: u32,
    /// Lower runs first.
    pub priority: u32,
}

/// An object that is part of the link, with its symbols translated. A copy costs little: its tables are shared.
#[derive(Clone)]
pub struct LinkedObject {
    /// Which file it is.
    pub file: FileId,
    object: Arc<Object>,
    /// The object's: phases that only ask for these go through all objects without a look at each.
    pub properties: Properties,
    /// Path, or path and member, as wasm-ld prints it.
    pub path: Arc<str>,
    /// For each comdat group of the object, whether this object's copy is the one that is kept.
    pub kept_comdats: Arc<[bool]>,
    /// It stood on the command line (or in a whole archive): its constructors run in any case.
    pub live_from_start: bool,
    references: Arc<[u32]>,
}

impl LinkedObject {
    /// An object whose symbols are not translated yet.
    pub fn new(file: FileId, object: Arc<Object>, path: String, live_from_start: bool) -> Self {
        let (path, references, kept_comdats) = (path.into(), Arc::default(), Arc::default());
        let properties = object.properties;
        LinkedObject { file, object, properties, path, kept_comdats, live_from_start, references }
    }

    /// What was parsed.
    #[inline]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The same, to keep.
    pub fn shared_object(&self) -> &Arc<Object> {
        &self.object
    }

    /// Puts another object in its place, whose symbols are the same.
    pub fn swap(&mut self, object: Arc<Object>) {
        self.properties = object.properties;
        self.object = object;
    }

    /// Translates the object's symbols.
    pub fn set_references(&mut self, references: &[Option<SymbolId>]) {
        self.references = references.iter().map(|reference| reference.map_or(OWN, |id| id.0)).collect();
    }

    /// What the object's symbol `index` refers to.
    #[inline]
    pub fn reference(&self, index: u32) -> Reference {
        match self.references[index as usize] {
            OWN => Reference::Own(ObjectSymbolIndex(index)),
            id => Reference::Global(SymbolId(id)),
        }
    }

    /// Whether any of its symbols is one of these.
    pub fn refers_to_any(&self, symbols: &BitSet) -> bool {
        self.references.iter().any(|&id| id != OWN && symbols.contains(id as usize))
    }

    /// Replaces references to the keys of `map` by its values.
    pub fn rewrite(&mut self, map: &HashMap<SymbolId, SymbolId>) {
        for reference in Arc::make_mut(&mut self.references) {
            if let Some(to) = map.get(&SymbolId(*reference)) {
                *reference = to.0;
            }
        }
    }

    /// The object's own entry for one of its symbols.
    #[inline]
    pub fn own(&self, index: ObjectSymbolIndex) -> &ObjectSymbol {
        &self.object.symbols[index.at()]
    }

    /// Whether a chunk in this comdat group is left out in favour of another object's.
    #[inline]
    pub fn is_discarded(&self, comdat: u32) -> bool {
        comdat != crate::object::NONE && !self.kept_comdats[comdat as usize]
    }
}

/// A function that the linker writes.
#[derive(Clone, Debug)]
pub struct SyntheticFunction {
    /// The name of the symbol it was made for.
    pub symbol_name: Vec<u8>,
    /// Its name in the name section.
    pub name: Vec<u8>,
    /// Its signature.
    pub signature: SignatureId,
    /// What it does.
    pub purpose: Purpose,
    /// The name it is exported under, where that is not its symbol's.
    pub export_name: Option<Vec<u8>>,
}

impl SyntheticFunction {
    /// A function that has its symbol's name everywhere.
    pub fn named(name: &[u8], signature: SignatureId, purpose: Purpose) -> Self {
        let (symbol_name, name) = (name.to_vec(), name.to_vec());
        SyntheticFunction { symbol_name, name, signature, purpose, export_name: None }
    }
}

/// What a synthetic function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `__wasm_call_ctors`: calls every constructor.
    CallCtors,
    /// `__wasm_init_memory`: copies passive segments into place, once.
    InitMemory,
    /// `__wasm_apply_data_relocs`: writes addresses that only the loader knows into data.
    ApplyDataRelocs,
    /// `__wasm_apply_tls_relocs`: the same for a thread's block.
    ApplyTlsRelocs,
    /// `__wasm_apply_global_relocs`: writes such addresses into globals.
    ApplyGlobalRelocs,
    /// `__wasm_apply_global_tls_relocs`: the same for addresses of thread-local data.
    ApplyGlobalTlsRelocs,
    /// `__wasm_start`: calls what has to run first.
    Start,
    /// `__wasm_init_tls`: sets up a thread's block of thread-local data.
    InitTls,
    /// A part of another one that is larger than engines take.
    Part,
    /// Traps: stands for a function that is not there.
    Unreachable,
    /// Calls constructors, the function, destructors: what a command exports.
    CommandExport(SymbolId),
}

/// Symbols that phases ask for by role instead of by name.
#[derive(Clone, Copy, Debug, Default)]
pub struct WellKnown {
    /// `__wasm_call_ctors`.
    pub call_ctors: Option<SymbolId>,
    /// `__wasm_call_dtors`, where the program defines it.
    pub call_dtors: Option<SymbolId>,
    /// `__stack_pointer`.
    pub stack_pointer: Option<SymbolId>,
    /// `__memory_base`, where the loader decides on it: an imported global.
    pub memory_base: Option<SymbolId>,
    /// `__table_base`, likewise.
    pub table_base: Option<SymbolId>,
    /// `__tls_base`.
    pub tls_base: Option<SymbolId>,
    /// `__wasm_set_tls_base`, where threads are cooperative: a function that a library brings, or the host.
    pub set_tls_base: Option<SymbolId>,
    /// `__tls_size`.
    pub tls_size: Option<SymbolId>,
    /// `__tls_align`.
    pub tls_align: Option<SymbolId>,
    /// `__wasm_init_tls`.
    pub init_tls: Option<SymbolId>,
    /// The entry function.
    pub entry: Option<SymbolId>,
}

/// What common data take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// The largest size that an object asks for.
    pub size: u64,
    /// The largest alignment, as a power of two.
    pub alignment: u32,
}

/// All symbols of a link, resolved.
#[derive(Clone, Default)]
pub struct SymbolTable {
    /// What common data take, for every symbol that was common at some time.
    pub commons: HashMap<SymbolId, Common>,
    /// Functions that the linker writes, in the order in which they stand in the output.
    pub synthetic_functions: Vec<SyntheticFunction>,
    /// File names of the shared libraries, in the order in which they were added.
    pub needed: Vec<String>,
    /// Symbols by role.
    pub well_known: WellKnown,
    /// Every symbol that has an entry of its own.
    pub symbols: Vec<Symbol>,
    /// Ids of the symbols that names lead to, in the order in which the names first appeared.
    pub named: Vec<SymbolId>,
    /// Symbols that names led to before a definition with another signature came, and the names.
    pub redirected: Vec<(NameId, SymbolId)>,
    /// The objects of the link, in the order in which they were loaded.
    pub objects: Vec<LinkedObject>,
    /// For each file, the object it became.
    pub object_of_file: Vec<Option<ObjectId>>,
    /// Symbol of each name, by [`NameId`]; [`u32::MAX`] where there is none.
    pub by_name: Vec<u32>,
}

impl WellKnown {
    /// Whether the symbol is a global that the linker imports for position-independent code, and whether that is
    /// mutable.
    pub fn imported_global(&self, id: SymbolId) -> Option<bool> {
        if self.memory_base == Some(id) || self.table_base == Some(id) {
            return Some(false);
        }
        (self.memory_base.is_some() && self.stack_pointer == Some(id)).then_some(true)
    }
}

impl SymbolTable {
    /// The symbol that `name` leads to.
    #[inline]
    pub fn find(&self, name: NameId) -> Option<SymbolId> {
        match self.by_name.get(name.at()) {
            Some(&position) if position != u32::MAX => Some(self.named[position as usize]),
            _ => None,
        }
    }

    /// The symbol of `name`, made if there is none; and whether it was made.
    #[inline]
    pub fn insert(&mut self, name: NameId) -> (SymbolId, bool) {
        if name.at() >= self.by_name.len() {
            self.by_name.resize((name.at() + 1).next_power_of_two(), u32::MAX);
        }
        let slot = self.by_name[name.at()];
        if slot != u32::MAX {
            return (self.named[slot as usize], false);
        }
        self.by_name[name.at()] = self.named.len() as u32;
        let id = SymbolId::new(self.symbols.len());
        self.symbols.push(Symbol::new(name, SymbolKind::Function));
        self.named.push(id);
        (id, true)
    }

    /// The place among the named symbols to which a name leads. Where it leads nowhere, that is the first one: so it is with wasm-ld
    /// where `--wrap` asks.
    pub fn position_of(&self, name: NameId) -> u32 {
        self.by_name.get(name.at()).copied().filter(|&position| position != u32::MAX).unwrap_or(0)
    }

    /// Lets a name lead to another symbol.
    pub fn lead(&mut self, name: NameId, position: u32) {
        if name.at() >= self.by_name.len() {
            self.by_name.resize((name.at() + 1).next_power_of_two(), u32::MAX);
        }
        self.by_name[name.at()] = position;
    }

    /// Defines `name` if something refers to it or `wanted` says so, and nothing defines it.
    pub fn define_optional(
        &mut self,
        name: NameId,
        wanted: bool,
        kind: SymbolKind,
        synthetic: Synthetic,
    ) -> Option<SymbolId> {
        let id = match self.find(name) {
            Some(found) if self.get(found).is_defined() => return None,
            Some(found) => found,
            None if wanted => self.insert(name).0,
            None => return None,
        };
        self.get_mut(id).define(kind, synthetic);
        Some(id)
    }

    /// The entry of `id`.
    #[inline]
    pub fn get(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.at()]
    }

    /// The entry of `id`, to change.
    #[inline]
    pub fn get_mut(&mut self, id: SymbolId) -> &mut Symbol {
        &mut self.symbols[id.at()]
    }

    /// The object that defines `symbol`, with its own entry for it.
    #[inline]
    pub fn definition(&self, symbol: &Symbol) -> Option<(ObjectId, &ObjectSymbol)> {
        match (symbol.resolution, symbol.file) {
            (Resolution::Object, Some(file)) => {
                let object = self.object_of_file[file.at()]?;
                Some((object, self.objects[object.at()].own(symbol.index)))
            }
            _ => None,
        }
    }

    /// The object that a file became.
    pub fn object_of(&self, file: FileId) -> Option<ObjectId> {
        self.object_of_file[file.at()]
    }
}
