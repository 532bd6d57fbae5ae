//! The exposure as a picture: peers, ports, groups, members, from left to right as the traffic goes.

mod layout;
mod scene;
mod svg;

pub(crate) use scene::{Flow, Group, Scene};
pub(crate) use svg::{Caption, draw, legend};
