package corpus

// both is one phrase in both languages.
type both struct{ zh, en string }

// phrases are what the crews and residents say.
type phrases struct {
	places, troubles                           []both
	details, urges, openings, complaints, asks []string
	tags                                       []string
}

func stock() *phrases {
	return &phrases{
		places: []both{
			{"%d栋大堂", "lobby of tower %d"}, {"%d栋电梯厅", "lift lobby of tower %d"}, {"B1车库%d区", "basement B1 zone %d"},
			{"B2车库%d区", "basement B2 zone %d"}, {"%d号集水井", "sump pit %d"}, {"%d号配电房", "switch room %d"}, {"%d号门岗", "gate %d"},
			{"%d栋天台", "roof of tower %d"}, {"%d栋消防楼梯", "fire stairs of tower %d"}, {"花园%d区", "garden zone %d"},
		},
		troubles: []both{
			{"垃圾桶满溢", "bin overflow"}, {"地砖污渍", "dirty tiles"}, {"楼道垃圾", "stairwell litter"}, {"电梯轿厢脏污", "lift car dirty"},
			{"大堂玻璃污渍", "lobby glass stained"}, {"地库积水", "water on the basement floor"}, {"地库油污", "oil stain in the basement"},
			{"宠物粪便", "pet waste"}, {"建筑垃圾堆放", "builder's waste left"}, {"小广告", "stickers on the walls"},
			{"垃圾房异味", "refuse room smells"}, {"水景浑浊", "water feature cloudy"}, {"公区灯不亮", "light out"}, {"电梯故障", "lift fault"},
			{"困梯", "trapped in the lift"}, {"水管爆裂", "burst pipe"}, {"停电", "power cut"}, {"门禁故障", "access control down"},
			{"道闸故障", "barrier stuck"}, {"排水堵塞", "drain blocked"}, {"集水井泵故障", "sump pump fault"}, {"外墙脱落", "loose facade"},
			{"地库漏水", "basement leak"}, {"消防设施故障", "fire equipment fault"}, {"井盖破损", "manhole cover broken"},
			{"儿童设施损坏", "play equipment broken"}, {"空调软管漏水", "AC hose leaks"}, {"门锁松动", "loose lock"},
			{"灶台无法点火", "hob will not light"}, {"热水器无热水", "no hot water"}, {"跳闸", "breaker trips"}, {"插座故障", "socket dead"},
			{"水龙头漏水", "tap leaks"}, {"马桶堵塞", "toilet blocked"}, {"墙面渗水", "wall seepage"}, {"窗户五金损坏", "window fitting broken"},
			{"地漏返味", "drain smells"}, {"可视对讲无声", "intercom silent"}, {"火情烟雾", "fire or smoke"}, {"消防通道占用", "fire lane blocked"},
			{"车辆乱停", "bad parking"}, {"电动车上楼", "e-bike indoors"}, {"噪音扰民", "noise at night"}, {"高空抛物", "falling objects"},
			{"物品放行", "goods release"}, {"树枝断落", "fallen branch"}, {"病虫害", "pests in the hedge"}, {"草坪破坏", "lawn damaged"},
			{"浇灌故障", "irrigation fault"}, {"费用开票", "invoice wanted"}, {"缴费疑问", "question on a fee"}, {"邻里协调", "neighbour dispute"},
		},
		details: []string{
			"Seen on the morning patrol, nobody there.", "Third report this week from the same place.", "The resident waits downstairs until six.",
			"Cordoned off with tape; a sign is up.", "The part was replaced last month.", "It comes and goes with the rain.",
			"Needs a ladder of four metres and two people.", "The key is with the security desk.", "A wheelchair user cannot pass.",
			"The contractor's warranty runs until next spring.", "Water has reached the cable tray.", "Only the left one is concerned.",
		},
		urges: []string{
			"Please look before noon.", "Not urgent.", "Call first.", "Photos follow.", "Bring the wet vacuum.", "Inform the butler when done.",
			"The lift must stay locked until then.", "Check the neighbouring one too.",
		},
		openings: []string{
			"早上出门时发现", "刚才路过看到", "楼下邻居也反映", "孩子放学回来说", "昨晚十点多开始", "物业上次修过之后又", "连续三天了，", "老人住在这里，",
			"下雨之后就", "保安说已经登记，但",
		},
		complaints: []string{
			"地面很滑，担心有人摔倒", "味道很大，影响休息", "一直没有人来处理", "晚上看不清路", "声音很响，睡不着", "水已经流到门口", "孩子差点碰到",
			"轮椅过不去", "天花板在滴水", "电表一直在转", "门关不上，不安全", "上次只是临时处理",
		},
		asks: []string{
			"请尽快安排师傅上门", "麻烦今天之内处理", "处理前先打电话", "下午三点以后在家", "希望有人回复进度", "请带上配件", "修好后请拍照发我",
			"如果要收费请先说明",
		},
		tags: []string{
			"未缴费", "长者独居", "有婴儿", "装修中", "租户", "返修", "高峰期", "需登高", "夜班", "外包", "保修期", "重复报事",
		},
	}
}
