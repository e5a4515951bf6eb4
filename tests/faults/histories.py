"""The short histories, each met by every fault at every one of its I/O points, and long ones drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from provider_hub.domain.names import namespace_for
from tests.faults.world import NAME, Step, World, change, install, passing, patch, settled, taken, uninstall

Script = Sequence[Step]


@dataclass(frozen=True)
class History:
    """A script and, where no fault may change it, what has become of the installation in the end."""

    name: str
    script: Script
    ends: tuple[str, str, str | None] | None


def _vanished_objects(world: World) -> None:
    """Somebody deletes the Deployment by hand, and leaves what no row stands behind."""
    name, namespace = NAME.object_name, namespace_for("acme")
    if not any(item["kind"] == "Deployment" for item in world.cluster.objects(namespace)):
        return
    world.cluster_watcher.by_hand = True
    world.cluster.apps.delete_namespaced_deployment(name, namespace)
    world.cluster_watcher.by_hand = False
    world.cluster.core.patch_namespaced_service(name, namespace, {"spec": {"selector": {"app": "nothing"}}})
    world.tell("somebody deletes the Deployment and changes the Service by hand")


def _orphaned(world: World) -> None:
    """The row is lost behind the system's back: its objects are orphans."""
    row = world.row("acme")
    if row is not None:
        world.lose_row(row)
        world.tell("the row is lost")


def _published(version: str) -> Step:
    def publish(world: World) -> None:
        world.publish(version)

    return publish


HISTORIES = (
    History("install", (install(), settled()), ("ready", "1.0.0", "1.0.0")),
    History(
        "upgrade",
        (install(), settled(), change("upgrade", version="1.1.0"), settled()),
        ("ready", "1.1.0", "1.1.0"),
    ),
    History(
        "failing upgrade",
        (install(), settled(), change("upgrade", version="1.2.0"), settled()),
        ("ready", "1.0.0", "1.0.0"),
    ),
    History(
        "silent upgrade",
        (install(), settled(), change("upgrade", version="1.3.0"), settled()),
        ("ready", "1.0.0", "1.0.0"),
    ),
    History("deadline", (install(wanted="1.3.0"), settled()), ("failed", "1.3.0", None)),
    History("uninstall", (install(), settled(), uninstall(), settled()), None),
    History("uninstall during install", (install(), taken(), uninstall(), settled()), None),
    History(
        "reinstall",
        (install(), settled(), uninstall(), settled(), install(wanted="1.1.0"), settled()),
        ("ready", "1.1.0", "1.1.0"),
    ),
    History(
        "config change while processing",
        (install(), taken(), patch(config={"A": "1"}, resource_tier="performance"), settled()),
        ("ready", "1.0.0", "1.0.0"),
    ),
    History(
        "superseded upgrade",
        (install(), settled(), change("upgrade", version="1.1.0"), taken(), patch(config={"A": "1"}), settled()),
        ("ready", "1.1.0", "1.1.0"),
    ),
    History(
        "smaller tier, then back down",
        (
            install(wanted="1.1.0", resource_tier="performance"),
            settled(),
            patch(resource_tier="free"),
            settled(),
            change("downgrade", target_version="1.0.0"),
            settled(),
        ),
        ("ready", "1.0.0", "1.0.0"),
    ),
    History(
        "drift",
        (install(resource_tier="performance"), settled(), _vanished_objects, passing(200)),
        ("ready", "1.0.0", "1.0.0"),
    ),
    History("orphans", (install(resource_tier="performance"), settled(), _orphaned, passing(330)), None),
    History(
        "auto-upgrade",
        (install(upgrade_policy="auto"), settled(), _published("1.4.0"), passing(150), settled()),
        ("ready", "1.4.0", "1.4.0"),
    ),
)


def random_script(random: Random, slugs: Sequence[str], length: int) -> list[Step]:
    """Wishes of several tenants, without regard to what is possible: what is not is refused."""
    return [_random_step(random, random.choice(slugs)) for _ in range(length)]


def _random_step(random: Random, slug: str) -> Step:
    version = random.choice(("1.0.0", "1.1.0", "1.2.0", "1.3.0"))
    tier = random.choice(("free", "standard", "performance"))
    policy = random.choice(("auto", "manual"))
    rolls_back = random.random() < 0.8
    steps: tuple[tuple[int, Step], ...] = (
        (4, install(slug, version, resource_tier=tier, upgrade_policy=policy, rollback_on_failure=rolls_back)),
        (3, change("upgrade", slug, version=version)),
        (2, change("downgrade", slug, target_version=version)),
        (1, change("deploy", slug)),
        (2, patch(slug, config={"A": str(random.randrange(3))}, resource_tier=tier)),
        (3, uninstall(slug)),
        (1, _published(f"1.{4 + random.randrange(3)}.0")),
        (5, settled(slug)),
        (3, passing(random.choice((0.1, 1.0, 5.0, 30.0, 120.0)))),
    )
    return random.choices([step for _, step in steps], [weight for weight, _ in steps])[0]
