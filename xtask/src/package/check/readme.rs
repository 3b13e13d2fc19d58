//! The lines that README.md gives for installing packages. A check runs them as they are.

use crate::package::kind::Kind;
use crate::workspace;

/// The line that installs a kind of package, in the folder with the packages.
pub fn line(kind: Kind) -> Result<String, String> {
    let text = workspace::read(&workspace::root().join("README.md"))?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = lines(&text)?.into_iter().filter(|line| kind_of(line) == Some(kind));
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(line),
        _ => Err(format!("README.md must have one line that installs {}", kind.name())),
    }
}

/// What a line installs.
fn kind_of(line: &str) -> Option<Kind> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["mkdir", .., "--strip-components=1"] => Some(Kind::Tarball),
        ["pip", "install", ..] => Some(Kind::Pip),
        ["npm", "install", ..] => Some(Kind::Npm),
        ["sudo", "dpkg", ..] => Some(Kind::Deb),
        ["-", "uses:", ..] => Some(Kind::Action),
        _ => None,
    }
}

/// The lines of the code blocks below "Install", without comments.
fn lines(readme: &str) -> Result<Vec<String>, String> {
    let section = readme.split("\n## Install\n").nth(1).ok_or("README.md has no section Install")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```").skip(1).step_by(2);
    // The first line is the block's language.
    let lines = blocks.flat_map(|block| block.lines().skip(1));
    let lines = lines.map(|line| line.split(" # ").next().unwrap_or_default().trim().to_string());
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

/// The first code block of a document in a language.
pub fn block(document: &str, language: &str) -> Result<String, String> {
    let text = workspace::read(&workspace::root().join(document))?;
    let text = String::from_utf8_lossy(&text);
    let block = text.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next());
    block.map(String::from).ok_or_else(|| format!("{document} has no block in {language}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So no line is shown that nothing runs.
    #[test]
    fn the_readme_installs_each_kind_once_and_nothing_else() {
        let text = std::fs::read_to_string(workspace::root().join("README.md")).unwrap();
        let kinds: Vec<_> = lines(&text).unwrap().iter().map(|line| kind_of(line)).collect();
        assert_eq!(kinds, Kind::ALL.map(Some));
    }
}
