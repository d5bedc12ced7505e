# Ends the processes it holds once their owner is gone, however it went: standard input is a pipe from the owner,
# and its end is the one sign of death that even SIGKILL cannot suppress. The first argument is the grace in seconds.
#
# Input lines: "+ <pid> <signal>" holds a process, "- <pid>" lets it go.

trap '' HUP INT TERM
grace_s=$1
held=''

while read -r act pid signal; do
  case $act in
    +) held="$held $pid:$signal" ;;
    -)
      kept=''
      for entry in $held; do
        [ "${entry%%:*}" = "$pid" ] || kept="$kept $entry"
      done
      held=$kept
      ;;
  esac
done

for entry in $held; do
  kill -s "${entry##*:}" "${entry%%:*}" 2>/dev/null
done

fifths_left=$((grace_s * 5))
while [ "$fifths_left" -gt 0 ]; do
  alive=''
  for entry in $held; do
    kill -s 0 "${entry%%:*}" 2>/dev/null && alive="$alive $entry"
  done
  [ -z "$alive" ] && exit 0
  sleep 0.2
  fifths_left=$((fifths_left - 1))
done

for entry in $alive; do
  kill -s KILL "${entry%%:*}" 2>/dev/null
done
