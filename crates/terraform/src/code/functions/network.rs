//! Functions of addresses.

use super::{ARGUMENTS, Answer, Stop, a_text, an_index, cannot_tell};
use crate::code::value::{Fault, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const NAMES: [&str; 4] = ["cidrsubnet", "cidrsubnets", "cidrhost", "cidrnetmask"];

pub(crate) fn call(name: &str, arguments: &[Value]) -> Option<Answer> {
    let answer = match (name, arguments) {
        ("cidrsubnet", [block, bits, number]) => block_of(block).and_then(|block| {
            let subnet = block.subnet(an_index(bits)?, an_index(number)?)?;
            subnet.text()
        }),
        ("cidrsubnets", [block, bits @ ..]) => block_of(block).and_then(|block| block.subnets(bits)),
        ("cidrhost", [block, number]) => block_of(block).and_then(|block| block.host(an_index(number)?)),
        ("cidrnetmask", [block]) => block_of(block).and_then(|block| {
            if block.width != 32 {
                return Err(Fault("the mask of an IPv6 block").into());
            }
            block
                .address(!low_bits(block.width - block.length) & low_bits(32))
                .map(|ip| Value::text(ip.to_string()))
        }),
        (name, _) if NAMES.contains(&name) => Err(ARGUMENTS.into()),
        _ => return None,
    };
    Some(answer)
}

/// A block of addresses: the first of them as a number, the bits that are fixed, and all bits there are.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: u128,
    length: u32,
    width: u32,
}

/// So many bits set, from the right.
fn low_bits(count: u32) -> u128 {
    1_u128.checked_shl(count).map_or(u128::MAX, |bit| bit - 1)
}

fn block_of(value: &Value) -> Result<Block, Stop> {
    let text = a_text(value)?;
    // Terraform reads more forms than these, such as leading zeros.
    let odd = || cannot_tell("a block of addresses in an odd form");
    let (address, length) = text.split_once('/').ok_or(Fault("no block of addresses"))?;
    let (number, width) = match address.parse::<IpAddr>().map_err(|_| odd())? {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let length: u32 = length.parse().map_err(|_| odd())?;
    if length > width {
        return Err(Fault("no block of addresses").into());
    }
    Ok(Block {
        first: number & !low_bits(width - length),
        length,
        width,
    })
}

impl Block {
    fn address(self, number: u128) -> Result<IpAddr, Stop> {
        if self.width == 128 {
            let ip = Ipv6Addr::from_bits(number);
            return match ip.to_ipv4_mapped() {
                None => Ok(IpAddr::V6(ip)),
                Some(_) => Err(cannot_tell("an IPv4 address inside of IPv6")),
            };
        }
        let number = u32::try_from(number).map_err(|_| cannot_tell("an odd address"))?;
        Ok(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    fn text(self) -> Answer {
        Ok(Value::text(format!(
            "{}/{}",
            self.address(self.first)?,
            self.length
        )))
    }

    fn subnet(self, bits: i128, number: i128) -> Result<Self, Stop> {
        let bits = u32::try_from(bits).map_err(|_| Fault("cidrsubnet with fewer bits"))?;
        let length = self.length.saturating_add(bits);
        if length > self.width {
            return Err(Fault("cidrsubnet beyond the address").into());
        }
        let number = u128::try_from(number).map_err(|_| cannot_tell("cidrsubnet with a negative number"))?;
        if number > low_bits(bits) {
            return Err(Fault("cidrsubnet beyond the block").into());
        }
        Ok(Self {
            first: self.first | number.checked_shl(self.width - length).unwrap_or(0),
            length,
            width: self.width,
        })
    }

    fn subnets(self, bits: &[Value]) -> Answer {
        let last = self.first | low_bits(self.width - self.length);
        let mut next = Some(self.first);
        let mut out = Vec::new();
        for bits in bits {
            let bits =
                u32::try_from(an_index(bits)?).map_err(|_| cannot_tell("cidrsubnets with odd bits"))?;
            let length = self.length.saturating_add(bits);
            if bits == 0 || length > self.width {
                return Err(cannot_tell("cidrsubnets with odd bits"));
            }
            let mask = low_bits(self.width - length);
            // Each begins at a border of its own size.
            let start = next
                .and_then(|next| next.checked_add(mask))
                .map(|next| next & !mask);
            let start = start
                .filter(|start| *start <= last)
                .ok_or(Fault("cidrsubnets beyond the block"))?;
            out.push(
                Self {
                    first: start,
                    length,
                    width: self.width,
                }
                .text()?,
            );
            next = (start | mask).checked_add(1);
        }
        Ok(Value::list(out))
    }

    fn host(self, number: i128) -> Answer {
        let size = self.width - self.length;
        let hosts = low_bits(size);
        let offset = if number < 0 {
            number
                .checked_neg()
                .and_then(|back| u128::try_from(back).ok())
                .and_then(|back| (hosts).checked_sub(back - 1))
        } else {
            u128::try_from(number).ok().filter(|offset| *offset <= hosts)
        };
        let offset = offset.ok_or(Fault("cidrhost beyond the block"))?;
        Ok(Value::text(self.address(self.first | offset)?.to_string()))
    }
}
