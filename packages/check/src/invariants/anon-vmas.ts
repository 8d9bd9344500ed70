import { NONE } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { type AnonVma, type AnonVmaChain, chainOf, forEachOverlap, linksOf } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { ViolationList } from '../violation.js';
import type { Subject } from './subject.js';
import { vmaObjects } from './vmas.js';

/** Counted while going through the mappings, by anon_vma. */
interface Tally {
  /** Mappings that have it as their own. */
  active: number;
  /** Mappings linked to it. */
  links: number;
}

/** S3: the structure of anon_vmas and the links of mappings to them. */
export function checkAnonVmas(subject: Subject): void {
  const tallies = new Map<AnonVma, Tally>();
  for (const mm of subject.mms) {
    for (let vma = mm.tree.first; vma !== null; vma = vma.next) checkChain(mm, vma, tallies, subject);
  }
  const families = countFamilies(subject);
  for (const anonVma of subject.env.anonVmas) checkAnonVma(anonVma, tallies.get(anonVma), families, subject);
}

function tallyOf(tallies: Map<AnonVma, Tally>, anonVma: AnonVma): Tally {
  let tally = tallies.get(anonVma);
  if (tally === undefined) {
    tally = { active: 0, links: 0 };
    tallies.set(anonVma, tally);
  }
  return tally;
}

function checkChain(mm: Mm, vma: Vma, tallies: Map<AnonVma, Tally>, subject: Subject): void {
  const { violations, env } = subject;
  const own = vma.anonVma;
  if (own !== null) tallyOf(tallies, own).active++;
  if ((own === null) !== (vma.chain === NONE)) {
    violations.add('S3.2', 'a mapping has links exactly when it has an anon_vma', vmaObjects(mm, vma));
  }
  const linked: AnonVma[] = [];
  for (const link of chainOf(vma)) {
    const { anonVma } = link;
    if (linked.includes(anonVma)) {
      violations.add('S3.4', 'a mapping is linked to an anon_vma once', {
        ...vmaObjects(mm, vma),
        anonVma: anonVma.id,
      });
      continue;
    }
    linked.push(anonVma);
    tallyOf(tallies, anonVma).links++;
    if (link.vma !== vma || !isInTree(link) || env.anonVmas.byId(anonVma.id) !== anonVma) {
      violations.add('S3.1', 'a link is in the tree of its living anon_vma under the range of its mapping', {
        ...vmaObjects(mm, vma),
        anonVma: anonVma.id,
      });
    }
    if (anonVma.root !== (linked[0] as AnonVma).root) {
      violations.add('S3.5', 'all anon_vmas of a mapping have one root', {
        ...vmaObjects(mm, vma),
        anonVma: anonVma.id,
      });
    }
  }
  if (own !== null && linked.length > 0 && !linked.includes(own)) {
    violations.add('S3.3', "a mapping's own anon_vma is among its links", { ...vmaObjects(mm, vma), anonVma: own.id });
  }
  checkClosure(mm, vma, linked, violations);
}

/** Whether a look for the range of the mapping finds it, once. */
function isInTree(link: AnonVmaChain): boolean {
  const { vma } = link;
  const first = vma.anonPageOffset;
  let found = 0;
  forEachOverlap(link.anonVma, first, first + (vma.end - vma.start) - 1, (other) => {
    if (other === vma) found++;
    return true;
  });
  return found === 1;
}

/** S3.11: who is linked to an anon_vma is linked to its ancestors: fork gives a child all links of the parent. */
function checkClosure(mm: Mm, vma: Vma, linked: readonly AnonVma[], violations: ViolationList): void {
  for (const anonVma of linked) {
    const { parent } = anonVma;
    if (parent !== null && linked.includes(parent)) continue;
    violations.add('S3.11', 'a mapping linked to an anon_vma is linked to its parent', {
      ...vmaObjects(mm, vma),
      anonVma: anonVma.id,
      parent: anonVma.parentId,
    });
  }
}

/** What refers to anon_vmas beside the mappings linked to them. */
interface Families {
  /** Living children that have links, by parent. */
  readonly children: Map<AnonVma, number>;
  /** Living descendants, by root. */
  readonly descendants: Map<AnonVma, number>;
  /** Pages that KSM remembers. */
  readonly merged: Map<AnonVma, number>;
}

function countFamilies(subject: Subject): Families {
  const children = new Map<AnonVma, number>();
  const descendants = new Map<AnonVma, number>();
  for (const anonVma of subject.env.anonVmas) {
    const { parent, root, linkCount } = anonVma;
    if (linkCount > 0 && parent !== null) children.set(parent, (children.get(parent) ?? 0) + 1);
    if (root !== anonVma) descendants.set(root, (descendants.get(root) ?? 0) + 1);
  }
  const merged = new Map<AnonVma, number>();
  for (const space of subject.env.ksm.spaces) {
    for (const { anonVma } of space.items.values()) merged.set(anonVma, (merged.get(anonVma) ?? 0) + 1);
  }
  return { children, descendants, merged };
}

function checkAnonVma(anonVma: AnonVma, tally: Tally | undefined, families: Families, subject: Subject): void {
  const { violations } = subject;
  const { id, root, parent, numChildren, numActiveVmas, refcount, linkCount } = anonVma;
  const isRoot = root === anonVma;
  const isDescendant = root.root === root && parent !== anonVma && (parent === null || parent.root === root);
  if (isRoot ? parent !== anonVma : !isDescendant) {
    violations.add('S3.6', 'a root is its own root and parent; others have the root of their parent', {
      anonVma: id,
      root: root.id,
      parent: anonVma.parentId,
    });
  }
  let links = 0;
  for (const link of linksOf(anonVma)) if (link.anonVma === anonVma) links++;
  if (links !== linkCount || links !== (tally?.links ?? 0)) {
    violations.add('S3.1', 'the tree of an anon_vma holds the links of living mappings, and no other', {
      anonVma: id,
      links,
      mappings: tally?.links ?? 0,
    });
  }
  const active = tally?.active ?? 0;
  if (numActiveVmas !== active) {
    violations.add('S3.7', 'num_active_vmas counts the mappings that have it as their own', {
      anonVma: id,
      numActiveVmas,
      mappings: active,
    });
  }
  const children = families.children.get(anonVma) ?? 0;
  if (numChildren !== children) {
    violations.add('S3.8', 'num_children counts the living children that have links', {
      anonVma: id,
      numChildren,
      children,
    });
  }
  const descendants = isRoot ? (families.descendants.get(anonVma) ?? 0) : 0;
  const merged = families.merged.get(anonVma) ?? 0;
  const held = (linkCount > 0 ? 1 : 0) + descendants + merged;
  if (refcount !== held) {
    violations.add(
      'S3.9',
      'references are one for having links, one from each living descendant of a root, and those of KSM',
      {
        anonVma: id,
        refcount,
        expected: held,
      },
    );
  }
  if (linkCount === 0 && descendants + merged === 0) {
    violations.add('S3.10', 'a living anon_vma has links, or is kept by descendants or KSM', { anonVma: id });
  }
}
