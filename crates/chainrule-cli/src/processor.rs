//! The processor's name, with the numbers of its family and model where it has them.

/// The name, such as `AMD EPYC (family 25, model 1)`: virtual machines often hide the rest of the name, and the numbers
/// say which design it is. Where nothing tells, the name of the architecture.
#[cfg(target_arch = "x86_64")]
pub(crate) fn processor() -> String {
    use std::arch::x86_64::__cpuid;

    const FIRST_OF_NAME: u32 = 0x8000_0002;
    const LAST_OF_NAME: u32 = 0x8000_0004;
    let mut brand = Vec::new();
    if __cpuid(0x8000_0000).eax >= LAST_OF_NAME {
        for leaf in FIRST_OF_NAME..=LAST_OF_NAME {
            let words = __cpuid(leaf);
            brand.extend([words.eax, words.ebx, words.ecx, words.edx].iter().flat_map(|w| w.to_le_bytes()));
        }
    }
    from_brand(&brand, __cpuid(1).eax)
}

/// The name as Linux has it, or that of the architecture.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn processor() -> String {
    let said = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = said.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    match name.map(|(_, name)| in_one_line(name)) {
        Some(name) if !name.is_empty() => name,
        _ => std::env::consts::ARCH.to_owned(),
    }
}

/// From the brand string of leaves 0x80000002 to 0x80000004 of cpuid, ended by zeros, and what leaf 1 has in EAX.
#[cfg(any(target_arch = "x86_64", test))]
fn from_brand(brand: &[u8], signature: u32) -> String {
    let end = brand.iter().position(|&byte| byte == 0).unwrap_or(brand.len());
    let name = in_one_line(&String::from_utf8_lossy(&brand[..end]));
    let name = if name.is_empty() { "x86_64" } else { &name };
    let (family, model) = family_and_model(signature);
    format!("{name} (family {family}, model {model})")
}

/// As Intel's and AMD's manuals put them together (instruction CPUID, leaf 1), and as Linux shows them.
#[cfg(any(target_arch = "x86_64", test))]
fn family_and_model(signature: u32) -> (u32, u32) {
    let field = |lowest: u32, bits: u32| (signature >> lowest) & ((1 << bits) - 1);
    let (family, model) = (field(8, 4), field(4, 4));
    let long_family = if family == 15 { family + field(20, 8) } else { family };
    let long_model = if family == 6 || family == 15 { model + (field(16, 4) << 4) } else { model };
    (long_family, long_model)
}

/// Without the spaces that fill some names up.
fn in_one_line(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_family_and_model_as_linux_shows_them() {
        // Zen 3, Zen 4, Skylake-X, Pentium.
        assert_eq!(family_and_model(0x00A0_0F11), (25, 1));
        assert_eq!(family_and_model(0x00A1_0F11), (25, 17));
        assert_eq!(family_and_model(0x0005_0654), (6, 85));
        assert_eq!(family_and_model(0x0000_0543), (5, 4));
        assert_eq!(from_brand(b"  AMD  EPYC \0\0x", 0x00A0_0F11), "AMD EPYC (family 25, model 1)");
        assert_eq!(from_brand(b"\0\0", 0x0005_0654), "x86_64 (family 6, model 85)");
    }

    #[test]
    fn this_processor_has_a_name_on_one_line() {
        let name = processor();
        assert!(!name.is_empty() && name == in_one_line(&name), "{name:?}");
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn linux_says_the_same() {
        let said = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let value = |key: &str| {
            let is_it = |line: &&str| line.split(':').next().is_some_and(|name| name.trim() == key);
            said.lines().find(is_it).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
        };
        let (name, family, model) = (value("model name"), value("cpu family"), value("model"));
        let expected = format!("{} (family {}, model {})", name.unwrap(), family.unwrap(), model.unwrap());
        assert_eq!(processor(), expected);
    }
}
