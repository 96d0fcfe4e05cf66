//! Clusters of networks that are known to be alike or not.

use super::*;
use crate::simulate::draws::Draws;

/// A network whose quiet hours lie around `quiet`.
fn member(medium: Medium, quiet: usize, draws: &mut Draws) -> Member {
    let busy = std::array::from_fn(|part| {
        let apart = (2 * part + 24 - quiet) % 24;
        let near = apart.min(24 - apart) as f64;
        let load = 0.8 - 0.7 * (-near * near / 18.0).exp() + 0.03 * draws.normal();
        (load.clamp(0.0, 1.0) as f32, 30.0)
    });
    Member { medium, utc_offset_s: 32_400, likeness: Likeness::new(0x0a00_0000, Some(10), None, &busy) }
}

fn members(count: usize) -> Vec<Member> {
    let mut draws = Draws::new(3, 0);
    (0..count).map(|index| member(Medium::Wlan, [3, 11, 20][index % 3], &mut draws)).collect()
}

#[test]
fn networks_with_other_quiet_hours_are_kept_apart_and_equal_ones_together() {
    let clusters = Clusters::make(ClusterConfig::default(), &members(600));
    assert_eq!(clusters.len(), 3, "{:?}", clusters.sizes());
    for (index, cluster) in clusters.of_members().iter().enumerate() {
        assert_eq!(*cluster, clusters.of_members()[index % 3]);
    }
    assert_eq!(clusters.sizes(), [200, 200, 200]);
}

#[test]
fn a_higher_price_makes_fewer_clusters() {
    let members = members(600);
    let count = |price| Clusters::make(ClusterConfig { price, ..ClusterConfig::default() }, &members).len();
    assert!(count(0.0) > 3 && count(1e9) == 1);
}

#[test]
fn kinds_and_time_zones_are_never_mixed() {
    let mut draws = Draws::new(4, 0);
    let mut members: Vec<Member> = (0..20).map(|_| member(Medium::Wlan, 20, &mut draws)).collect();
    members.extend((0..20).map(|_| member(Medium::Lora, 20, &mut draws)));
    members.extend((0..20).map(|_| Member { utc_offset_s: 0, ..member(Medium::Wlan, 20, &mut draws) }));
    let clusters = Clusters::make(ClusterConfig { price: 1e9, ..ClusterConfig::default() }, &members);
    assert_eq!(clusters.sizes(), [20, 20, 20]);
}

#[test]
fn a_change_moves_one_member_and_noise_moves_none() {
    let mut draws = Draws::new(5, 0);
    let mut clusters = Clusters::make(ClusterConfig::default(), &members(600));
    let before = clusters.of_members().to_vec();
    for index in 0..300 {
        clusters.update(index, &member(Medium::Wlan, [3, 11, 20][index % 3], &mut draws));
    }
    assert_eq!(clusters.of_members(), before);
    let moved = clusters.update(0, &member(Medium::Wlan, 11, &mut draws));
    assert_eq!((moved, clusters.of_members()[0]), (before[1], before[1]));
    let new = clusters.update(600, &member(Medium::Wlan, 20, &mut draws));
    assert_eq!((new, clusters.of_members().len()), (before[2], 601));
    let first_of_kind = clusters.update(601, &member(Medium::Lte, 20, &mut draws));
    assert_eq!((first_of_kind, clusters.len()), (ClusterId(3), 4));
    assert!(!clusters.is_stale());
}

#[test]
fn nobody_one_and_nonsense_are_clustered_too() {
    assert!(Clusters::make(ClusterConfig::default(), &[]).is_empty());
    let busy = [(f32::NAN, -1.0); BINS];
    let likeness = Likeness::new(u32::MAX, None, Some((f32::NAN, 1e9)), &busy);
    assert!(likeness.load().iter().all(|load| (*load - 0.5).abs() < 1e-6));
    let member = Member { medium: Medium::Unknown, utc_offset_s: 0, likeness };
    let clusters = Clusters::make(ClusterConfig::default(), &vec![member; 40]);
    assert_eq!(clusters.len(), 1);
}
