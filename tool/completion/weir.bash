# SPDX-License-Identifier: MIT
# bash completion of weir(1) and weir-conform(1).

_weir_options() {
	weir "$1" --help 2> /dev/null | sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p'
}

_weir() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}

	COMPREPLY=()
	compopt -o filenames 2> /dev/null
	# bash splits at =; what stands before it is the option
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W "boot explain check replay plan lint diff timeline graph groups race live capture shell --help --version" -- "$cur"))
		return
	fi
	case $prev in
	--profile)
		COMPREPLY=($(compgen -W "linux-6.12 weir" -- "$cur"))
		return ;;
	--scenario)
		COMPREPLY=($(compgen -W "boot builtin all" -- "$cur"))
		return ;;
	--format)
		if [[ $verb == plan ]]; then
			COMPREPLY=($(compgen -W "list dracut initramfs-tools mkinitcpio mkinitfs android" -- "$cur"))
		else
			COMPREPLY=($(compgen -W "$([[ $verb == graph ]] && echo dot || echo trace) svg html json" -- "$cur"))
		fi
		return ;;
	--root)
		compopt -o nospace 2> /dev/null
		COMPREPLY=($(compgen -W "mmcblk0 nvme0n1 sda $([[ $verb == plan ]] && echo mmc ufs sata usb nvme pci-sata pci-usb virtio virtio-mmio nfs)" -- "$cur"))
		return ;;
	--severity)
		COMPREPLY=($(compgen -W "note warning error" -- "$cur"))
		return ;;
	--without)
		COMPREPLY=($(compgen -W "$(weir lint --rules 2> /dev/null | cut -d" " -f1)" -- "$cur"))
		return ;;
	--color)
		COMPREPLY=($(compgen -W "auto always never" -- "$cur"))
		return ;;
	--set)
		compopt -o nospace 2> /dev/null
		COMPREPLY=($(compgen -W "fw_devlink= fw_devlink.strict= fw_devlink.sync_state= deferred_probe_timeout=" -- "$cur"))
		return ;;
	--kernel)
		COMPREPLY=($(compgen -f -- "$cur") $(compgen -W "$(printf '%s\n' /lib/modules/*)" -- "$cur"))
		return ;;
	--modules | --boards)
		COMPREPLY=($(compgen -d -- "$cur"))
		return ;;
	--command | -c | --cmdline | --deny | --until | --probe-time | --root-after | --threads | --jobs | -j | --require | --for | --also)
		return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(_weir_options "$verb")" -- "$cur"))
		return
	fi
	if [[ $verb == shell && $cur == qemu:* ]]; then
		compopt -o nospace 2> /dev/null
		COMPREPLY=($(compgen -W "qemu:virt,iommu=virtio,dev=" -- "$cur"))
		return
	fi
	COMPREPLY=($(compgen -f -- "$cur"))
}

_weir_conform() {
	local cur=${COMP_WORDS[COMP_CWORD]}

	compopt -o filenames 2> /dev/null
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "-j --jobs --help" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}

complete -F _weir weir
complete -F _weir_conform weir-conform
