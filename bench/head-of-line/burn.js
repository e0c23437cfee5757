/**
 * So many turns of a computation of which each needs the one before: the same CPU time in every process, whatever the clock says.
 * @param {number} turns
 */
export function burn(turns) {
  let x = 1
  for (let n = 0; n < turns; n++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0
  return x
}
