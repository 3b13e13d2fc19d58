//! Any bytes as bitcode: every text and position of the symbol table is valid, and a module's flags end in an answer or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wald::internals::bitcode;

fuzz_target!(|data: &[u8]| {
    let bytes = wald::Bytes::from(data.to_vec());
    let Ok(file) = bitcode::parse(&bytes, None) else { return };
    assert!(!file.modules.is_empty());
    for module in &file.modules {
        let _ = file.pic_level(module);
    }
    let Ok(table) = &file.symbol_table else { return };
    assert_eq!(table.modules.len(), file.modules.len());
    assert_eq!(table.modules.iter().map(|symbols| symbols.len()).sum::<usize>(), table.symbols.len());
    let mut texts = vec![table.producer, table.target_triple, table.source_file_name];
    texts.extend(&table.dependent_libraries);
    texts.extend(table.comdats.iter().map(|comdat| comdat.name));
    texts.extend(table.uncommons.iter().map(|uncommon| uncommon.section));
    for symbol in &table.symbols {
        texts.extend([symbol.name, symbol.ir_name]);
        assert!(symbol.comdat.is_none_or(|comdat| (comdat as usize) < table.comdats.len()));
        assert!(symbol.uncommon.is_none_or(|uncommon| (uncommon as usize) < table.uncommons.len()));
    }
    // A text outside of the string table would be read as an empty one.
    assert!(texts.iter().all(|&text| file.text(text).is_empty() == text.is_empty()));
});
