import { common } from '@hyperledger/fabric-protos';

/** An element of a configuration: how often it was changed, and under which policy that may be done. */
type Versioned = common.ConfigGroup | common.ConfigValue | common.ConfigPolicy;

/** The class of a message. */
interface Kind<T> {
  new (): T;
  deserializeBinary(bytes: Uint8Array): T;
}

/** What of two groups' elements of one kind goes into the sets of an update. */
interface Compared<T> {
  /** Only named, with their versions: they have to be what they were. */
  readonly same: ReadonlyMap<string, T>;
  readonly read: ReadonlyMap<string, T>;
  readonly written: ReadonlyMap<string, T>;
  /** Whether one was added or taken away, which changes the group itself. */
  readonly isAnother: boolean;
}

interface Difference {
  readonly read: common.ConfigGroup;
  readonly written: common.ConfigGroup;
  readonly isChanged: boolean;
}

/**
 * What leads from one configuration of a channel to another, as orderers want it: the versions it was made from, and
 * what changes with the next versions. The same as `configtxlator compute_update`.
 *
 * @param current - as the channel has it
 * @param wanted - as it is to be; versions in it do not count
 * @returns undefined where they are the same
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/configtx.html#configuration-updates
 */
export function configUpdate(
  channel: string,
  current: common.ConfigGroup,
  wanted: common.ConfigGroup,
): common.ConfigUpdate | undefined {
  const { read, written, isChanged } = compareGroups(current, wanted);
  if (!isChanged) return undefined;
  const update = new common.ConfigUpdate();
  update.setChannelId(channel);
  update.setReadSet(read);
  update.setWriteSet(written);
  return update;
}

function compareGroups(current: common.ConfigGroup, wanted: common.ConfigGroup): Difference {
  const values = compareElements(common.ConfigValue, [valuesOf(current), valuesOf(wanted)], isSameValue);
  const policies = compareElements(common.ConfigPolicy, [policiesOf(current), policiesOf(wanted)], isSamePolicy);
  const groups = compareSubgroups(current, wanted);
  const isOther = [values, policies, groups].some(({ isAnother }) => isAnother);
  if (isOther || current.getModPolicy() !== wanted.getModPolicy()) {
    return {
      read: groupOf(current.getVersion(), { values: values.same, policies: policies.same, groups: groups.same }),
      written: changedGroup(current, wanted, { values, policies, groups }),
      isChanged: true,
    };
  }
  const version = current.getVersion();
  return {
    read: groupOf(version, { values: values.read, policies: policies.read, groups: groups.read }),
    written: groupOf(version, { values: values.written, policies: policies.written, groups: groups.written }),
    isChanged: values.written.size + policies.written.size + groups.written.size > 0,
  };
}

/** A group with other elements is a new version of itself; what stays in it is named as it was. */
function changedGroup(
  current: common.ConfigGroup,
  wanted: common.ConfigGroup,
  compared: { values: Compared<common.ConfigValue>; policies: Compared<common.ConfigPolicy>; groups: Groups },
): common.ConfigGroup {
  const { values, policies, groups } = compared;
  const group = groupOf(current.getVersion() + 1, {
    values: new Map([...values.same, ...values.written]),
    policies: new Map([...policies.same, ...policies.written]),
    groups: new Map([...groups.same, ...groups.written]),
  });
  group.setModPolicy(wanted.getModPolicy());
  return group;
}

function compareElements<T extends common.ConfigValue | common.ConfigPolicy>(
  kind: Kind<T>,
  [current, wanted]: readonly [ReadonlyMap<string, T>, ReadonlyMap<string, T>],
  isSame: (left: T, right: T) => boolean,
): Compared<T> {
  const same = new Map<string, T>();
  const written = new Map<string, T>();
  let isAnother = [...current.keys()].some((name) => !wanted.has(name));
  for (const [name, element] of wanted) {
    const found = current.get(name);
    isAnother ||= found === undefined;
    if (found !== undefined && isSame(found, element)) same.set(name, unchanged(kind, found));
    else written.set(name, withVersion(kind, element, found === undefined ? 0 : found.getVersion() + 1));
  }
  return { same, read: new Map(), written, isAnother };
}

type Groups = Compared<common.ConfigGroup>;

function compareSubgroups(current: common.ConfigGroup, wanted: common.ConfigGroup): Groups {
  const before = groupsOf(current);
  const after = groupsOf(wanted);
  const same = new Map<string, common.ConfigGroup>();
  const read = new Map<string, common.ConfigGroup>();
  const written = new Map<string, common.ConfigGroup>();
  let isAnother = [...before.keys()].some((name) => !after.has(name));
  for (const [name, group] of after) {
    const found = before.get(name);
    if (found === undefined) {
      isAnother = true;
      written.set(name, asNew(group));
      continue;
    }
    const difference = compareGroups(found, group);
    same.set(name, difference.isChanged ? difference.read : unchanged(common.ConfigGroup, found));
    if (!difference.isChanged) continue;
    read.set(name, difference.read);
    written.set(name, difference.written);
  }
  return { same, read, written, isAnother };
}

function groupOf(
  version: number,
  elements: {
    readonly values: ReadonlyMap<string, common.ConfigValue>;
    readonly policies: ReadonlyMap<string, common.ConfigPolicy>;
    readonly groups: ReadonlyMap<string, common.ConfigGroup>;
  },
): common.ConfigGroup {
  const group = new common.ConfigGroup();
  group.setVersion(version);
  for (const [name, value] of elements.values) group.getValuesMap().set(name, value);
  for (const [name, policy] of elements.policies) group.getPoliciesMap().set(name, policy);
  for (const [name, subgroup] of elements.groups) group.getGroupsMap().set(name, subgroup);
  return group;
}

/** Everything in a group that was not there before is of version 0. */
function asNew(group: common.ConfigGroup): common.ConfigGroup {
  const fresh = groupOf(0, {
    values: mapped(valuesOf(group), (value) => withVersion(common.ConfigValue, value, 0)),
    policies: mapped(policiesOf(group), (policy) => withVersion(common.ConfigPolicy, policy, 0)),
    groups: mapped(groupsOf(group), asNew),
  });
  fresh.setModPolicy(group.getModPolicy());
  return fresh;
}

/** Names an element by its version alone. */
function unchanged<T extends Versioned>(kind: Kind<T>, element: T): T {
  const named = new kind();
  named.setVersion(element.getVersion());
  return named;
}

function withVersion<T extends Versioned>(kind: Kind<T>, element: T, version: number): T {
  const copy = kind.deserializeBinary(element.serializeBinary());
  copy.setVersion(version);
  return copy;
}

function isSameValue(left: common.ConfigValue, right: common.ConfigValue): boolean {
  return left.getModPolicy() === right.getModPolicy() && isSameBytes(left.getValue_asU8(), right.getValue_asU8());
}

function isSamePolicy(left: common.ConfigPolicy, right: common.ConfigPolicy): boolean {
  const bytes = (policy: common.ConfigPolicy) => policy.getPolicy()?.serializeBinary() ?? new Uint8Array();
  return left.getModPolicy() === right.getModPolicy() && isSameBytes(bytes(left), bytes(right));
}

function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function valuesOf(group: common.ConfigGroup): ReadonlyMap<string, common.ConfigValue> {
  return new Map(group.getValuesMap().entries());
}

function policiesOf(group: common.ConfigGroup): ReadonlyMap<string, common.ConfigPolicy> {
  return new Map(group.getPoliciesMap().entries());
}

function groupsOf(group: common.ConfigGroup): ReadonlyMap<string, common.ConfigGroup> {
  return new Map(group.getGroupsMap().entries());
}

function mapped<T, U>(map: ReadonlyMap<string, T>, change: (entry: T) => U): ReadonlyMap<string, U> {
  return new Map([...map].map(([name, entry]) => [name, change(entry)]));
}
