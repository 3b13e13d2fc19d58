//! tidy
/// help
pub const HELP: &str = "";
/// run
pub fn run(_args: &[String]) -> Result<(), String> {
    Ok(())
}
