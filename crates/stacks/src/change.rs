//! Which folders a change touches.

use std::collections::{BTreeMap, BTreeSet};

/// The folders that terraform runs in, each with the folders of the local modules it uses. All relative to the repository, `""`
/// for the repository's own folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    uses: BTreeMap<String, BTreeSet<String>>,
}

/// What a change touches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The folders that terraform has to look at again.
    pub folders: BTreeSet<String>,
    /// Changed files that touch none of them.
    pub elsewhere: Vec<String>,
}

impl Roots {
    /// With a folder that terraform runs in, and the folders it uses, as its code names them: relative to it, `""` for itself.
    pub fn add<'m>(&mut self, root: &str, modules: impl IntoIterator<Item = &'m str>) {
        let root = normal(root);
        let uses = modules
            .into_iter()
            .map(|module| normal(&format!("{root}/{module}")))
            .chain([root.clone()]);
        self.uses.entry(root.clone()).or_default().extend(uses);
    }

    /// The folders that terraform runs in.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.uses.keys().map(String::as_str)
    }
}

/// The folders that these changed files touch. A file touches a folder that it lies in or below, whatever kind of file it is: code
/// reads templates, certificates and lists beside it. One of `shared` (a file, or a folder with all below) touches every folder.
///
/// ```
/// use portcullis_stacks::{Roots, touched};
///
/// let mut roots = Roots::default();
/// roots.add("envs/prod", ["../../modules/web"]);
/// roots.add("envs/dev", []);
/// let touched = touched(&roots, ["modules/web/main.tf", "README.md"], &["policy.yaml"]);
/// assert_eq!(touched.folders.into_iter().collect::<Vec<_>>(), ["envs/prod"]);
/// assert_eq!(touched.elsewhere, ["README.md"]);
/// ```
#[must_use]
pub fn touched<'p>(roots: &Roots, changed: impl IntoIterator<Item = &'p str>, shared: &[&str]) -> Touched {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (root, uses) in &roots.uses {
        for used in uses {
            users.entry(used).or_default().push(root);
        }
    }
    let shared: BTreeSet<String> = shared.iter().map(|path| normal(path)).collect();
    let mut found = Touched::default();
    for path in changed {
        let path = normal(path);
        let mut places = std::iter::successors(Some(path.as_str()), |place| {
            (!place.is_empty()).then(|| place.rsplit_once('/').map_or("", |(above, _)| above))
        });
        if places.clone().any(|place| shared.contains(place)) {
            found.folders.extend(roots.folders().map(str::to_owned));
            continue;
        }
        let before = places.clone().any(|place| users.contains_key(place));
        if !before {
            found.elsewhere.push(path.clone());
        }
        let touching = places.by_ref().filter_map(|place| users.get(place));
        found
            .folders
            .extend(touching.flatten().map(|root| (*root).to_owned()));
    }
    found
}

/// `./envs/prod/../../modules//web/` as `modules/web`. What would leave the repository keeps its `..`, and so touches nothing.
#[must_use]
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        let mut roots = Roots::default();
        roots.add(
            "./envs/prod/",
            ["", "../../modules/web", "../../modules/web/rules"],
        );
        roots.add("envs/dev", ["../../modules/web", "./local"]);
        roots.add("envs/prod/inner", []);
        roots.add("alone", ["../../elsewhere"]);
        roots
    }

    fn of(changed: &[&str]) -> String {
        let touched = touched(&roots(), changed.iter().copied(), &["policies", "ci/state.yml"]);
        let folders: Vec<String> = touched.folders.into_iter().collect();
        format!("{} | {}", folders.join(" "), touched.elsewhere.join(" "))
    }

    #[test]
    fn a_file_touches_the_folders_that_use_its_folder() {
        let table = [
            (&["README.md"][..], " | README.md"),
            (&["envs/dev/main.tf"], "envs/dev | "),
            (&["envs/dev/local/x/y.tftpl"], "envs/dev | "),
            (&["modules/web/main.tf"], "envs/dev envs/prod | "),
            (&["modules/web/rules/a.tf"], "envs/dev envs/prod | "),
            (&["modules/webb/a.tf"], " | modules/webb/a.tf"),
            (&["envs/prod/inner/a.tf"], "envs/prod envs/prod/inner | "),
            (&["ci/state.yml"], "alone envs/dev envs/prod envs/prod/inner | "),
            (
                &["policies/cis.yaml", "x"],
                "alone envs/dev envs/prod envs/prod/inner | x",
            ),
            (&["elsewhere/a.tf"], " | elsewhere/a.tf"),
            (&["alone/a b\n.tf", "../outside.tf"], "alone | ../outside.tf"),
        ];
        for (changed, expected) in table {
            assert_eq!(of(changed), expected, "{changed:?}");
        }
    }

    #[test]
    fn code_in_the_repositorys_own_folder_is_touched_by_everything() {
        let mut roots = Roots::default();
        roots.add(".", ["modules/web"]);
        let touched = touched(&roots, ["docs/a.md"], &[]);
        assert_eq!(touched.folders.into_iter().collect::<Vec<_>>(), [""]);
    }
}
