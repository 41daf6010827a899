# Why a step failed, out of what it printed. Of cargo's tests: the failed ones, and what they panicked with. Passed tests
# print panics and complaints too, expected ones, which would leave no room for the one that tells: each line is said once,
# and what a test's own plan broke not at all.
/: a test's plan$/ || (length > 40 && seen[$0]++) { next }
/^test .* FAILED$/ { print; next }
/^(FAIL |not ok |propusk: |cabinet: |the portal |missing: |error(\[|:))/ { print; next }
/^failures:$/ { failures = 1 }
/^(successes:$|test result: )/ { failures = 0 }
/^running [0-9]+ tests?$/ { tests = 1 }
/^thread .* panicked/ && (failures || !tests) { rest = 3 }
rest > 0 { print; rest-- }
