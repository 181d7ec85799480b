# SPDX-License-Identifier: MIT
#
# The check of the tool's speed that make bench makes: it passes below a limit, and fails above it. No
# time is judged here. Part of run.sh; uses the kernel of kernel.sh.

uses kernel
python3 "$top/scripts/bench-verbs.py" --limit 1e6 --verbs lint,diff "$weir" soc.dtb kernel > out 2> err ||
	wrong "below the limit: $(cat err)"
[ "$(grep -c "^\(lint\|diff\).largest [0-9.]* ms$" out)" = 2 ] || wrong "times: $(cat out)"
python3 "$top/scripts/bench-verbs.py" --limit 0 --verbs lint "$weir" soc.dtb kernel > out 2> err &&
	wrong "above the limit: $(cat out)"
grep -q "^lint: [0-9.]* ms of CPU time at best, and the limit is 0 ms" err || wrong "what is said: $(cat err)"
result "the check of the tool's speed passes and fails"
