//! What may help about a name that nothing defines. Asked only when a link fails or warns.

mod argument;
mod libraries;
mod name;
mod survey;

use hashbrown::HashMap;
use rayon::prelude::*;
use wald_demangle::Demangler;

use crate::diagnostics::{Fix, Help, Location};
use crate::index::{FileId, NameId, SymbolId};
use crate::input::Candidate;
use crate::library_provider::LibraryProvider;
use crate::object::Interners;
use crate::options::Options;
use crate::symbols::{Resolution, SymbolTable};

pub use self::libraries::Offers;
pub use self::name::Name;
use self::survey::{shown, survey, Relation, Similar};

/// So many names that nothing defines are compared with all that something defines. If there are more, no misspelled name is the reason.
const COMPARED: usize = 30;

/// What hints are made of.
#[derive(Clone, Copy)]
pub struct Hints<'a> {
    /// The options of the link.
    pub options: &'a Options,
    /// Names.
    pub interners: &'a Interners,
    /// All symbols, lazy ones included.
    pub table: &'a SymbolTable,
    /// All files.
    pub files: &'a [&'a Candidate],
}

/// A name that nothing defines.
pub struct Wanted {
    /// The name.
    pub symbol: Vec<u8>,
    /// The places that name it, for a fix.
    pub locations: Vec<Location>,
}

impl Hints<'_> {
    /// The libraries that are not part of the link and define one of the names.
    pub fn offers(&self, provider: Option<&dyn LibraryProvider>, wanted: &[Wanted]) -> Offers {
        let libraries = provider.map(LibraryProvider::libraries).unwrap_or_default();
        let inputs = self.files.iter().map(|file| &*file.name.path);
        Offers::new(libraries, wanted.iter().map(|wanted| &wanted.symbol[..]), inputs)
    }

    /// What to do about each name, the most likely first.
    pub fn helps(&self, wanted: &[Wanted], offers: &Offers) -> Vec<Vec<Help>> {
        let mut demangler = Demangler::new();
        let names: Vec<Name> =
            wanted.iter().map(|wanted| Name::new(&mut demangler, &wanted.symbol)).collect();
        let mut similar = self.similar(&names[..names.len().min(COMPARED)]);
        similar.resize_with(names.len(), Vec::new);
        let mut statics = self.find_static(wanted);
        let mut all = Vec::new();
        for ((position, name), similar) in names.iter().enumerate().zip(&similar) {
            let mut helps = Vec::new();
            helps.extend(statics.remove(&position));
            let is_of_driver = libraries::is_of_driver(&name.symbol);
            let of_library = offers.help(&name.symbol).filter(|_| !is_of_driver);
            let is_in_library = of_library.is_some() || is_of_driver;
            helps.extend(of_library);
            let of_class = about_class(name).filter(|_| !is_of_driver);
            if !is_in_library && of_class.is_none() {
                // `S::S()` is not a misspelled `S::~S()`.
                let similar = similar.iter().filter(|similar| {
                    is_destructor(&similar.name.base) == is_destructor(&name.base)
                        && (name.text != "main" || similar.relation != Relation::Prefix)
                });
                helps.extend(similar.map(|similar| self.about(name, similar, &wanted[position])));
            }
            let of_main = self.about_main(&name.symbol);
            if of_main.is_none() && (helps.is_empty() || name.text == "main") {
                helps.extend(libraries::known(&name.symbol, offers).filter(|help| !self.is_followed(help)));
            }
            helps.extend(of_class);
            helps.extend(of_main);
            if helps.is_empty() {
                helps.push(about_missing(name));
            }
            all.push(helps);
        }
        all
    }

    /// A `main` with other parameters than those that the C library looks for has another name.
    fn about_main(&self, symbol: &[u8]) -> Option<Help> {
        if !matches!(symbol, b"__main_argc_argv" | b"__main_void" | b"__original_main") {
            return None;
        }
        let name = self.interners.names.find(b"main")?;
        let id = self.table.find(NameId(name))?;
        let text =
            format!("{} defines main with other parameters: it has none, or int and char **", self.file(id));
        (self.table.get(id).resolution == Resolution::Object).then(|| Help::new(text))
    }

    /// Whether the driver that a help advises has been used: its libraries are linked.
    fn is_followed(&self, help: &Help) -> bool {
        let is_cxx = matches!(&help.fix, Some(Fix::UseDriver { driver }) if driver.as_bytes() == b"clang++");
        is_cxx && self.files.iter().any(|file| file.name.path.rsplit('/').next() == Some("libc++.a"))
    }

    /// Which names that something defines are similar to each wanted one.
    fn similar(&self, names: &[Name]) -> Vec<Vec<Similar>> {
        let texts = self.interners.names.snapshot();
        let named = &self.table.named;
        survey(names, named.len(), |position| {
            let id = named[position];
            self.is_definition(id).then(|| texts.text(self.table.get(id).name.0))
        })
    }

    /// Whether a file defines a symbol.
    fn is_definition(&self, id: SymbolId) -> bool {
        matches!(self.table.get(id).resolution, Resolution::Object | Resolution::Lazy | Resolution::Shared)
    }

    /// By their positions, the names that an object keeps to itself.
    fn find_static(&self, wanted: &[Wanted]) -> HashMap<usize, Help> {
        let positions: HashMap<&[u8], usize> =
            wanted.iter().zip(0..).map(|(wanted, position)| (&wanted.symbol[..], position)).collect();
        let objects = self.table.objects.par_iter().flat_map_iter(|linked| {
            let object = linked.object();
            let locals = object.symbols.iter().filter(|symbol| {
                symbol.flags.is_local() && symbol.is_defined() && symbol.kind.is_function_or_data()
            });
            let found = locals.filter_map(|symbol| positions.get(symbol.name_in(object)).copied());
            found.map(|position| (position, linked)).collect::<Vec<_>>()
        });
        let found: Vec<_> = objects.collect();
        let mut helps = HashMap::new();
        for (position, linked) in found {
            let name = self.shown(&wanted[position].symbol);
            let text = format!("{} defines {name}, but as static", linked.path);
            helps.entry(position).or_insert_with(|| Help::new(text));
        }
        helps
    }

    /// A name as messages show it.
    fn shown(&self, symbol: &[u8]) -> String {
        shown(symbol, self.options.demangle)
    }

    /// The file that defines a symbol, as messages show it.
    fn file(&self, id: SymbolId) -> String {
        let path = |file: FileId| match self.table.object_of_file.get(file.at()).copied().flatten() {
            Some(object) => self.table.objects[object.at()].path.to_string(),
            None => self.files.get(file.at()).map_or_else(String::new, |file| file.display()),
        };
        self.table.get(id).file.map_or_else(|| "<internal>".into(), path)
    }

    fn about(&self, wanted: &Name, similar: &Similar, places: &Wanted) -> Help {
        let file = self.file(self.table.named[similar.position]);
        let name = self.shown(&similar.name.symbol);
        match similar.relation {
            Relation::OtherLanguage if wanted.is_mangled() => {
                Help::new(format!("{file} defines C {name}: declare it extern \"C\""))
            }
            Relation::OtherLanguage => Help::new(format!(
                "{file} defines {}{name}: declare it extern \"C\" there",
                language(&similar.name)
            )),
            Relation::OtherHash => Help::new(format!(
                "{file} defines {} of another build: compile all crates with the same compiler and flags",
                similar.name.base
            )),
            Relation::Overload => {
                Help::new(format!("{file} defines {name}{}", differences(wanted, &similar.name)))
            }
            Relation::Scope => {
                let [other, wanted] = [&similar.name, wanted].map(|name| match name.scope() {
                    "" => "the global namespace".to_string(),
                    scope => scope.to_string(),
                });
                Help::new(format!("{file} defines {name}: it is in {other}, not in {wanted}"))
            }
            Relation::Spelling | Relation::Distance(_) | Relation::Prefix => {
                let fix = Fix::ReplaceSymbol {
                    from: self.shown(&wanted.symbol).into(),
                    to: name.clone().into(),
                    locations: places.locations.clone(),
                };
                Help::new(format!("{file} defines {name}")).with_fix(fix)
            }
        }
    }
}

/// What mangled a name, with a space behind it.
fn language(name: &Name) -> &'static str {
    // Names of older rustc have no parameters.
    match name.symbol.starts_with(b"_Z") && name.parameters.is_some() {
        true => "C++ ",
        false => "",
    }
}

/// How an overload differs from what is wanted.
fn differences(wanted: &Name, other: &Name) -> String {
    let mut text = Vec::new();
    if let (Some(wanted), Some(other)) = (&wanted.parameters, &other.parameters) {
        let different = wanted.iter().zip(other).zip(1..).filter(|((wanted, other), _)| wanted != other);
        if wanted.len() == other.len() {
            text.extend(
                different
                    .map(|((wanted, other), number)| format!("parameter {number} is {other}, not {wanted}")),
            );
        } else {
            let plural = if other.len() == 1 { "" } else { "s" };
            text.push(format!("it has {} parameter{plural}, not {}", other.len(), wanted.len()));
        }
    }
    if wanted.qualifiers != other.qualifiers {
        let said = |name: &Name| match name.qualifiers.trim() {
            "" => "not const".to_string(),
            qualifiers => qualifiers.to_string(),
        };
        text.push(format!("it is {}", said(other)));
    }
    match text.is_empty() {
        true => String::new(),
        false => format!(": {}", text.join("; ")),
    }
}

fn is_destructor(base: &str) -> bool {
    base.contains("::~")
}

/// A class's vtable and type information are in the object that defines its key function.
fn about_class(name: &Name) -> Option<Help> {
    const KINDS: [&str; 3] = ["vtable for ", "typeinfo for ", "VTT for "];
    // What follows is a class's name. The C++ runtime has the type information of `int` and the like.
    let is_class = |first: &u8| first.is_ascii_digit() || *first == b'N';
    if !name.symbol.starts_with(b"_ZT") || !name.symbol.get(4).is_some_and(is_class) {
        return None;
    }
    let class = KINDS.iter().find_map(|kind| name.text.strip_prefix(kind))?;
    Some(Help::new(format!(
        "define the first virtual function of {class} that is neither inline nor pure: the vtable is where it is defined"
    )))
}

/// What to do if no file and no known library defines a name, nor a similar one.
fn about_missing(name: &Name) -> Help {
    let text = &name.text;
    let is_of_rust =
        name.symbol.starts_with(b"_R") || name.base.len() < name.text.len() && name.parameters.is_none();
    if is_of_rust && ["core::", "alloc::", "std::"].iter().any(|name| text.starts_with(name)) {
        return Help::new(format!("link with rustc: it adds the standard library, which defines {text}"));
    }
    Help::new(match name.is_mangled() && name.base.ends_with('>') {
        true => format!(
            "no file of the link defines {text}: define the template in the header, or instantiate it explicitly where it is defined"
        ),
        false => {
            format!("no file of the link defines {text}: define it, or add the object or library that does")
        }
    })
}
