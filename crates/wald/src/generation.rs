//! Has a link's bitcode compiled, and keeps the result for a later link with the same bitcode.

use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_128;

use crate::cancel::CancelToken;
use crate::code_generator::{
    BitcodeModule, BitcodeResolution, CodeGeneration, CodeGenerator, GeneratedCode, GeneratedObject,
    RelocationModel,
};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::input::Candidate;
use crate::messages::MessageKind;
use crate::options::{Options, UnresolvedPolicy};
use crate::timing::Timer;

/// Code generation of one link.
pub struct Generation<'a> {
    /// The linker's code generator.
    pub generator: Option<&'a dyn CodeGenerator>,
    /// What the last link generated. `None` if nothing is to be kept.
    pub kept: Option<&'a KeptCode>,
    /// Ends the link.
    pub cancel: CancelToken,
    /// Measures it.
    pub timer: &'a Timer,
}

/// What the last link of a kept linker generated.
#[derive(Default)]
pub struct KeptCode(Mutex<Option<(Vec<Version>, GeneratedCode)>>);

/// All that the code of a module depends on.
#[derive(PartialEq, Eq)]
struct Version {
    name: String,
    bytes: u128,
    resolutions: Vec<BitcodeResolution>,
}

impl KeptCode {
    /// Drops what was kept.
    pub fn forget(&mut self) {
        *self.0.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Generation<'_> {
    /// Compiles all bitcode of the link. The result is objects that are linked in its place.
    pub fn generate(
        &self,
        options: &Options,
        modules: Vec<BitcodeModule<'_>>,
        lazy: Vec<&str>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Candidate>, LinkFailure> {
        if modules.is_empty() && !options.index_only {
            return Ok(Vec::new());
        }
        let Some(generator) = self.generator else {
            diagnostics.extend(modules.iter().map(no_generator));
            return diagnostics.check().map(|()| Vec::new());
        };
        let loads_dynamically = options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
        let job = CodeGeneration {
            modules,
            lazy,
            output: &options.output,
            relocation_model: match options.is_relocatable() {
                true => RelocationModel::FromModules,
                false if options.is_position_independent() || loads_dynamically => {
                    RelocationModel::PositionIndependent
                }
                false => RelocationModel::Static,
            },
            cancel: self.cancel.clone(),
        };
        let code = match self.timer.phase("generate code", || self.generate_or_reuse(generator, &job)) {
            Ok(code) => code,
            Err(problems) => {
                diagnostics.extend(problems);
                diagnostics.check()?;
                // A generator that fails without a word.
                diagnostics.push(Diagnostic::error(Code::CodeGeneration, "code generation failed"));
                return diagnostics.check().map(|()| Vec::new());
            }
        };
        let lines = code.lines.iter().map(|line| (MessageKind::CodeGeneration, line));
        for (kind, line) in lines.chain(code.remarks.iter().map(|remark| (MessageKind::Remark, remark))) {
            diagnostics.say(kind, line.clone());
        }
        diagnostics.extend(code.diagnostics.iter().cloned());
        diagnostics.check()?;
        let objects = code.objects.iter().filter(|object| !object.bytes.is_empty());
        let candidate =
            |object: &GeneratedObject| Candidate::generated(&job.object_path(object), object.bytes.clone());
        Ok(objects.map(candidate).collect())
    }

    fn generate_or_reuse(
        &self,
        generator: &dyn CodeGenerator,
        job: &CodeGeneration<'_>,
    ) -> Result<GeneratedCode, Vec<Diagnostic>> {
        let Some(KeptCode(kept)) = self.kept else { return generator.generate(job) };
        let versions: Vec<Version> = job.modules.iter().map(Version::of).collect();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, code)) = kept.as_ref().filter(|(known, _)| *known == versions) {
            return Ok(code.clone());
        }
        let code = generator.generate(job)?;
        *kept = Some((versions, code.clone()));
        Ok(code)
    }
}

impl Version {
    fn of(module: &BitcodeModule<'_>) -> Self {
        let BitcodeModule { name, bytes, resolutions, .. } = module;
        Version { name: name.clone(), bytes: xxh3_128(bytes), resolutions: resolutions.clone() }
    }
}

fn no_generator(module: &BitcodeModule<'_>) -> Diagnostic {
    let message = format!("{}: LLVM bitcode cannot be linked without a code generator", module.name);
    Diagnostic::error(Code::CodeGeneration, message)
}
