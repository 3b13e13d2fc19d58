//! `cargo xtask demo sqlite`: the real SQLite, linked by Wald, answers some queries.

use crate::corpus;
use crate::demo_link::{link, show_run};
use crate::job;
use crate::packages;
use crate::wasi::World;
use crate::workspace;
use std::collections::BTreeMap;

const QUERY: &str = "\
create table section(id integer primary key, name text, bytes integer);\
insert into section(name, bytes) values ('type', 614), ('code', 702113), ('data', 90112), ('name', 48960);\
with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) select count(*) sections, sum(bytes) bytes,\
 (select sum(i) from n) gauss from section;\
select name, printf('%.1f %%', 100.0 * bytes / (select sum(bytes) from section)) share from section order by bytes desc;\
create virtual table notes using fts5(text);\
insert into notes values ('the linker fills open places'), ('an archive is a box of objects');\
select text from notes where notes match 'link* OR box' order by rank;\
select json_group_array(name) names, sqlite_version() version from section;";

/// Builds SQLite unless it is built, links it and runs it.
pub fn run() -> Result<(), String> {
    if !corpus::is_built("sqlite") {
        packages::bring()?;
    }
    let folder = corpus::ensure("sqlite")?;
    // The arguments in link.rsp are relative to the job's folder.
    let output = workspace::root().join("target/demo/sqlite.wasm");
    let root = std::env::current_dir().map_err(|error| error.to_string())?;
    std::env::set_current_dir(&folder).map_err(|error| error.to_string())?;
    let linked = link(vec!["@link.rsp".into()], &job::inputs(&folder), &output);
    std::env::set_current_dir(root).map_err(|error| error.to_string())?;
    let linked = linked?;
    linked.print();
    let finished = show_run(&linked.module, World::new(&["sqlite", QUERY], BTreeMap::new()))?;
    match finished.code {
        0 if finished.stdout.contains("gauss=500500") => Ok(()),
        code => Err(format!("SQLite ended with {code} and did not answer as expected")),
    }
}
