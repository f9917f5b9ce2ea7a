import type { Problem } from '../../errors.js';
import { SLOTS } from '../../model/image-spec.js';
import type { DiskRule } from './draft-disk.js';
import type { DraftPartition } from './draft-partitions.js';

/** Only beside a selector are there slots, and of each slot there is one boot and one root. */
const slotsAreWhole: DiskRule = ({ partitions }) => {
  const selector = partitions.find(({ role }) => role === 'selector');
  if (selector === undefined) {
    return partitions.filter(({ slot }) => slot !== undefined).map((one) => unfit(one, 'and no partition is a selector'));
  }
  const unfitting = partitions.flatMap((one): Problem[] => {
    const { role, slot } = one;
    if (role === 'boot' || role === 'root') {
      return slot === undefined ? [unfit(one, 'without one: beside a selector it belongs to a or b')] : [];
    }
    return slot === undefined ? [] : [unfit(one, `and the role ${role}: slots are of boot and root`)];
  });
  const missing = (['boot', 'root'] as const).flatMap((role) =>
    SLOTS.flatMap((slot): Problem[] => {
      const of = partitions.filter((one) => one.role === role && one.slot === slot);
      if (of.length === 1) return [];
      const message = `slot ${slot} has ${of.length} partitions with the role ${role}`;
      return [{ code: 'slot-incomplete', message, hint: SHAPE, ...(of[1] ?? selector).at('slot') }];
    }),
  );
  return [...unfitting, ...missing];
};

const SHAPE = 'A system with two slots has a selector, and one boot and one root for each of a and b (systems/ab.yaml).';

function unfit({ name, slot, at }: DraftPartition, why: string): Problem {
  return {
    code: 'slot-unfit',
    message: `the partition "${name}" has ${slot === undefined ? 'a slot to be' : `the slot ${slot}`}, ${why}`,
    hint: SHAPE,
    ...at('slot'),
  };
}

/** The boot ROM of a Pi 3 reads nothing else, and with a GPT the Pi 4 and 5 hang or loop (rpi-eeprom 654 and 818). */
const slotsNeedMbr: DiskRule = ({ table, partitions }) =>
  table.value === 'mbr' || partitions.every(({ role }) => role !== 'selector')
    ? []
    : [
        {
          code: 'slots-need-mbr',
          message: 'a Raspberry Pi chooses between slots on a partition table of type MBR only',
          hint: 'Write table: mbr.',
          ...table.at,
        },
      ];

/** The firmware reads autoboot.txt of the first partition, and starts from primary ones. */
const selectorIsFirst: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ role }) => role === 'selector')
    .flatMap((one, index): Problem[] => {
      if (index > 0) {
        const message = `"${one.name}" is a second selector`;
        return [{ code: 'partition-role-twice', message, hint: 'Keep one of the two.', ...one.at('role') }];
      }
      if (partitions[0] === one && one.fs === 'vfat' && !one.logical) return [];
      const message = `the selector "${one.name}" must be the first partition, a primary one with fs: vfat`;
      const hint = 'Put it at the beginning of the list.';
      return [{ code: 'boot-partition-unreadable-by-firmware', message, hint, ...one.at('role') }];
    });

/** What a slot does not have is on the data partition: without it every update would begin with nothing. */
const slotsHaveData: DiskRule = ({ partitions }) => {
  const selector = partitions.find(({ role }) => role === 'selector');
  if (selector === undefined || partitions.some(({ mount, fs }) => mount === '/data' && fs === 'ext4')) return [];
  return [
    {
      code: 'slots-without-data',
      message: 'no ext4 partition is mounted at /data, where containers, homes and the state of updates are',
      hint: 'Add { name: data, role: data, mount: /data, grow: true, logical: true }.',
      ...selector.at(),
    },
  ];
};

export const SLOT_RULES: readonly DiskRule[] = [slotsAreWhole, slotsNeedMbr, selectorIsFirst, slotsHaveData];
